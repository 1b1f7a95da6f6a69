"""Runs are brought to their end, and weights that are not kept come back as they were."""

import json
from pathlib import Path

import components
import make
import pytest
import strangers
import weights

from s2m import S2MError, generate_characters
from s2m.config import Config

CONFIG = Config(
    task="retrieval", data="generated", embedding="lenet", relevance="average", examples=3, relevant=3, irrelevant=4,
    tuples=2, steps=2, evaluate_every=1, bins=5,
)  # fmt: skip


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run that is judged and whose weights are not kept."""
    letters = generate_characters(classes=40, drawings=8)
    monkeypatch.setattr("s2m.problems.load_characters", lambda name: letters)
    folder = tmp_path / "avg-ft" / "seed-0"
    make.complete(folder, CONFIG, "cpu")
    for name in weights.FILES:
        (folder / name).rename(tmp_path / name)
    return folder


def test_weights_come_back(run: Path, tmp_path: Path) -> None:
    before = {path.name: path.read_bytes() for path in run.iterdir()}
    make.restore(run, "cpu")
    expected = {name: (tmp_path / name).read_bytes() for name in weights.FILES}
    assert {path.name: path.read_bytes() for path in run.iterdir()} == before | expected
    assert list(run.parent.iterdir()) == [run]


def test_other_scores_are_not_passed_over(run: Path) -> None:
    scores = json.loads((run / "scores.json").read_text())
    scores["stepwise"]["mean"] += 0.001
    (run / "scores.json").write_text(json.dumps(scores))
    before = {path.name: path.read_bytes() for path in run.iterdir()}
    with pytest.raises(S2MError, match=r"again-seed-0 scores 0\.0010 from .*seed-0, .*: delete it, or put it in"):
        make.restore(run, "cpu")
    assert {path.name: path.read_bytes() for path in run.iterdir()} == before


def test_a_run_gets_the_embedding_of_one_without_weights(run: Path, tmp_path: Path) -> None:
    """Deleted and made anew, it does not depend on what of the other was kept."""
    config = Config(**{**CONFIG.model_dump(), "steps": 0, "components": 1, "init_from": str(run)})
    make.complete(tmp_path / "gauss-avg-ft" / "seed-0", config, "cpu")
    assert weights.has_weights(run)
    assert (tmp_path / "gauss-avg-ft" / "seed-0" / "scores.json").is_file()


def test_no_table_is_made_of_fewer_seeds(tmp_path: Path) -> None:
    for seed in (0, 2):
        folder = tmp_path / "photos_flowers102_impure" / "s2m-gmm2" / f"seed-{seed}"
        folder.mkdir(parents=True)
        for name in weights.FILES:
            (folder / name).touch()
    with pytest.raises(S2MError, match=r"s2m-gmm2 has no weights of seed-1, seed-3, seed-4: .*make\.py --weights`"):
        components.table(tmp_path)
    with pytest.raises(S2MError, match=r"avg-ft has no weights of seed-0, .*make\.py --weights`"):
        strangers.table(tmp_path)


def test_whose_weights_are_needed() -> None:
    needed = [folder for folder, _ in make.planned(None) if weights.are_needed(folder)]
    assert len(needed) == 3 * len(weights.METHODS) * len(weights.PHOTO_SEEDS)


def test_every_stored_run_of_drawings_is_planned() -> None:
    planned = {folder for folder, _ in make.planned(None)}
    stored = {path.parent for path in make.RESULTS.glob("omniglot_*/*/seed-*/scores.json")}
    assert stored
    assert stored <= planned
    assert all((make.RESULTS / name).is_dir() for name in make.WITH_MORE)
