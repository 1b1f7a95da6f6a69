"""A training: resumed it ends where it would have ended, and whatever stops it leaves whole files."""

import errno
import json
import math
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from s2m import Characters, HistogramLoss, RelevanceNet, S2MError, generate_characters, load_run
from s2m.config import Config
from s2m.embeddings import as_images
from s2m.episodes import draw_tuples, generator, take
from s2m.runs import build_network, is_finished
from s2m.storage import write_bytes
from s2m.training import Trainer, resume

# Few bins: of a few scores among 100 bins hardly any two would share one, and a step would change nothing.
TINY = {
    "task": "retrieval", "data": "generated", "embedding": "lenet", "components": 1, "learn_prior": True,
    "examples": 3, "relevant": 3, "irrelevant": 4, "tuples": 2, "steps": 6, "evaluate_every": 2,
    "bins": 5,
}  # fmt: skip


def tiny(**changes: object) -> Config:
    return Config(**{**TINY, **changes})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def letters() -> Characters:
    return generate_characters(classes=40, drawings=8)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory, letters: Characters) -> Path:
    """A run of `TINY` that nothing stopped."""
    folder = tmp_path_factory.mktemp("uninterrupted") / "run"
    Trainer(tiny(), folder, letters).run()
    return folder


def outcome(folder: Path) -> dict[str, object]:
    """All that a run leaves, but for how long it took."""
    log = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    for entry in log:
        assert entry.pop("seconds") >= 0
    weights = {name: (folder / f"{name}.safetensors").read_bytes() for name in ("embedding", "relevance")}
    return {"log": log, "config": (folder / "config.json").read_text(), **weights}


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_a_run_leaves_its_folder(uninterrupted: Path) -> None:
    assert set(files(uninterrupted)) == {
        "config.json", "log.jsonl", "provenance.json", "embedding.safetensors", "relevance.safetensors",
    }  # fmt: skip
    log = [json.loads(line) for line in (uninterrupted / "log.jsonl").read_text().splitlines()]
    assert [entry["step"] for entry in log] == [2, 4, 6]  # one line an evaluation
    assert all(set(entry) == {"step", "loss", "validation", "seconds"} for entry in log)
    assert all(0 <= entry["loss"] <= 1 and 0 <= entry["validation"] <= 1 for entry in log)
    assert is_finished(uninterrupted)
    start, end = build_network(tiny()).state_dict(), load_run(uninterrupted).state_dict()
    assert all((value != end[name]).any() for name, value in start.items())  # every weight has moved


def test_the_same_config_gives_the_same_run(uninterrupted: Path, letters: Characters, tmp_path: Path) -> None:
    Trainer(tiny(), tmp_path / "again", letters).run()
    assert outcome(tmp_path / "again") == outcome(uninterrupted)
    Trainer(tiny(seed=1), tmp_path / "other", letters).run()
    assert outcome(tmp_path / "other")["embedding"] != outcome(uninterrupted)["embedding"]


def test_a_run_learns(letters: Characters, tmp_path: Path) -> None:
    """Four classes over and over: it need not generalise, only to push the loss down."""
    config = tiny(steps=60, evaluate_every=20, relevance="average", learn_prior=False, irrelevant=10, bins=20)
    trainer = Trainer(config, tmp_path / "run", letters)
    trainer.problem.train_images = trainer.problem.train_images[:4]
    trainer.run()
    losses = [entry["loss"] for entry in trainer.progress.log]
    assert losses[-1] < 0.5 * losses[0]


def test_the_best_evaluation_is_kept(letters: Characters, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scores, kept = iter([0.2, 0.9, 0.5]), []
    trainer = Trainer(tiny(), tmp_path / "run", letters)

    def validate(network: RelevanceNet) -> float:
        kept.append({name: value.clone() for name, value in network.state_dict().items()})
        return next(scores)

    monkeypatch.setattr(trainer.problem, "validate", validate)
    network = trainer.run()
    assert not network.training
    for name, value in network.state_dict().items():
        assert torch.equal(value, kept[1][name])
    assert any(not torch.equal(value, kept[2][name]) for name, value in network.state_dict().items())


# Killed ---------------------------------------------------------------------------------------------------------------


class Killed(BaseException):
    """Ends a run on the spot, as no handler of exceptions expects."""


@pytest.mark.parametrize("moment", range(16))
def test_killed_before_any_file_is_written_it_ends_the_same(
    uninterrupted: Path, letters: Characters, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: int
) -> None:
    """A run writes its config, then up to five files an evaluation: killed before each of them in turn."""
    written = 0

    def killing(path: Path, content: bytes) -> None:
        nonlocal written
        if written == moment:
            raise Killed
        written += 1
        write_bytes(path, content)

    folder = tmp_path / "run"
    monkeypatch.setattr("s2m.training.write_bytes", killing)
    monkeypatch.setattr("s2m.runs.write_bytes", killing)
    monkeypatch.setattr("s2m.storage.write_bytes", killing)  # what write_json calls
    try:
        Trainer(tiny(), folder, letters).run()
    except Killed:
        assert not is_finished(folder)
    monkeypatch.undo()
    if (folder / "config.json").exists():
        if not is_finished(folder):
            resume(folder, letters).run()
    else:
        Trainer(tiny(), folder, letters).run()
    assert outcome(folder) == outcome(uninterrupted)
    assert is_finished(folder)


CHILD = """
import sys
from pathlib import Path
from s2m import generate_characters
from s2m.config import read_config
from s2m.training import Trainer
letters = generate_characters(classes=40, drawings=8)
Trainer(read_config(Path(sys.argv[1])), Path(sys.argv[2]), letters).run()
"""


def test_killed_by_a_signal_at_a_random_moment_it_ends_the_same(letters: Characters, tmp_path: Path) -> None:
    dice = random.Random(0)
    changes = {"steps": 2000, "evaluate_every": 5}  # far more than the child gets to do
    text = "".join(f"{key} = {json.dumps(value)}\n" for key, value in {**TINY, **changes}.items())
    (tmp_path / "config.toml").write_text(text)
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(tmp_path / "config.toml"), str(tmp_path / "run")],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    log, wanted = tmp_path / "run" / "log.jsonl", dice.randrange(1, 4)
    deadline = time.monotonic() + 200
    while not (log.exists() and len(log.read_text().splitlines()) >= wanted):
        assert child.poll() is None, "the child ended by itself"
        assert time.monotonic() < deadline
        time.sleep(0.01)
    time.sleep(dice.uniform(0, 0.5))
    child.kill()
    assert child.wait() == -signal.SIGKILL
    done = len(log.read_text().splitlines())
    # Go on for two more evaluations, and compare with as many steps that nothing stopped.
    resumed = resume(tmp_path / "run", letters)
    assert resumed.progress.step in (5 * done, 5 * done - 5)
    until = 5 * done + 10
    resumed.run(until=until)
    whole = Trainer(tiny(**changes), tmp_path / "whole", letters)
    whole.run(until=until)
    assert outcome(tmp_path / "run") == outcome(tmp_path / "whole")
    for name, value in whole.network.state_dict().items():
        assert torch.equal(resumed.network.state_dict()[name], value), name
    expected = whole.optimizer.state_dict()["state"]
    for index, state in resumed.optimizer.state_dict()["state"].items():
        assert all(torch.equal(value, expected[index][key]) for key, value in state.items())


@pytest.mark.parametrize(
    "changes", [{"embedding": "conv4"}, {"components": 2, "schedule": "constant", "negatives": "batch"}], ids=str
)
def test_stopped_between_evaluations_it_ends_the_same(
    letters: Characters, tmp_path: Path, changes: dict[str, str]
) -> None:
    Trainer(tiny(**changes), tmp_path / "whole", letters).run()
    Trainer(tiny(**changes), tmp_path / "run", letters).run(until=3)
    resume(tmp_path / "run", letters).run()
    assert outcome(tmp_path / "run") == outcome(tmp_path / "whole")


def test_a_full_disk_leaves_whole_files_and_the_run_goes_on(
    uninterrupted: Path, letters: Characters, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "run"
    Trainer(tiny(), folder, letters).run(until=2)
    before = files(folder)
    real = os.fdopen

    class Full:
        """A file on a disk that takes ten bytes and no more."""

        def __init__(self, handle: int, mode: str) -> None:
            self.file = real(handle, mode)

        def __enter__(self) -> "Full":
            return self

        def __exit__(self, *error: object) -> None:
            self.file.close()

        def write(self, content: bytes) -> None:
            self.file.write(content[:10])
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("s2m.storage.os.fdopen", Full)
    with pytest.raises(S2MError, match=r"cannot write .* \(No space left on device\): free some space there") as error:
        resume(folder, letters).run()
    assert "\n" not in str(error.value)
    assert files(folder) == before
    with pytest.raises(S2MError, match="No space left on device"):
        Trainer(tiny(), tmp_path / "new", letters).run()
    assert files(tmp_path / "new") == {}
    monkeypatch.undo()
    resume(folder, letters).run()
    assert outcome(folder) == outcome(uninterrupted)


# Another run's embedding ----------------------------------------------------------------------------------------------


def test_a_frozen_embedding_keeps_its_bytes(letters: Characters, tmp_path: Path) -> None:
    """conv-4, whose batch normalisation would change its statistics if it were not told to stand still."""
    small = {"embedding": "conv4", "steps": 2}
    Trainer(tiny(**small, relevance="average", learn_prior=False, seed=2), tmp_path / "donor-2", letters).run()
    config = tiny(**small, seed=2, init_from=str(tmp_path / "donor-{seed}"), freeze_embedding=True, learning_rate=0.1)
    trainer = Trainer(config, tmp_path / "run", letters)
    before = trainer.network.relevance.state_dict()["log_prior"].clone()
    network = trainer.run()
    assert (tmp_path / "run" / "embedding.safetensors").read_bytes() == (
        tmp_path / "donor-2" / "embedding.safetensors"
    ).read_bytes()
    assert (network.relevance.state_dict()["log_prior"] != before).all()


def test_an_embedding_that_is_not_frozen_starts_from_the_donor(
    uninterrupted: Path, letters: Characters, tmp_path: Path
) -> None:
    trainer = Trainer(tiny(init_from=str(uninterrupted)), tmp_path / "run", letters)
    donor = load_run(uninterrupted)
    for name, value in donor.embedding.state_dict().items():
        assert torch.equal(trainer.network.embedding.state_dict()[name], value)
    trainer.step()
    assert any(
        not torch.equal(trainer.network.embedding.state_dict()[n], v) for n, v in donor.embedding.state_dict().items()
    )


def test_a_donor_that_does_not_fit(uninterrupted: Path, letters: Characters, tmp_path: Path) -> None:
    with pytest.raises(S2MError, match="is not a run folder"):
        Trainer(tiny(init_from=str(tmp_path)), tmp_path / "run", letters)
    with pytest.raises(S2MError, match="holds the weights of another network: give a run of the same embedding"):
        Trainer(tiny(embedding="conv4", init_from=str(uninterrupted)), tmp_path / "run", letters)
    assert not (tmp_path / "run").exists()


def test_nothing_to_learn(letters: Characters, tmp_path: Path) -> None:
    with pytest.raises(
        S2MError, match="nothing is left to learn: set freeze_embedding = false, learn_prior = true, or"
    ):
        Trainer(tiny(freeze_embedding=True, learn_prior=False), tmp_path / "run", letters)


# One step -------------------------------------------------------------------------------------------------------------


def test_the_learning_rate_falls_to_zero(letters: Characters, tmp_path: Path) -> None:
    trainer = Trainer(tiny(learning_rate=0.1, steps=100), tmp_path / "run", letters)
    rates = []
    for step in (0, 50, 100):
        trainer.progress.step = step
        rates.append(trainer.rate())
    assert rates == pytest.approx([0.1, 0.05, 0], abs=1e-12)


def test_other_tuples_serve_as_irrelevant_but_for_the_concept_itself(
    letters: Characters, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """negatives = "batch" against a loop over tuples and queries, with few classes, so that concepts do recur."""
    config = tiny(
        negatives="batch", tuples=3, irrelevant=4, relevance="average", learn_prior=False, precision="float32"
    )
    trainer = Trainer(config, tmp_path / "run", letters)
    trainer.problem.train_images = trainer.problem.train_images[:3]
    tuples = draw_tuples(generator(0, "train", 0), (3, 8), 3, 3, 3, 4)

    def describe(pairs: np.ndarray) -> torch.Tensor:
        return trainer.network.describe(as_images(torch.from_numpy(take(trainer.problem.train_images, pairs))))

    with torch.no_grad():
        losses = []
        for own in range(3):
            concept = tuples.examples[own, 0, 0]
            mean = describe(tuples.examples[own]).mean(0)
            foreign = [
                pair
                for other in range(3)
                for pair in (*tuples.relevant[other], *tuples.irrelevant[other])
                if pair[0] != concept
            ]
            assert len(foreign) > 4
            relevant, irrelevant = describe(tuples.relevant[own]), torch.cat([describe(p[None]) for p in foreign])
            losses.append(HistogramLoss(5)((relevant @ mean)[None], (irrelevant @ mean)[None]).item())
    # Both in float32: a score is off by 1e-7 of a range of about 0.1, so by 1e-5 of one of five bins.
    assert trainer.step() == pytest.approx(sum(losses) / 3, abs=1e-4)


def test_another_runs_embedding_is_judged_as_it_is(uninterrupted: Path, tmp_path: Path) -> None:
    """No steps: the embedding of the donor, whatever relevance is put on it, and a run that counts as finished."""
    config = tiny(steps=0, init_from=str(uninterrupted), relevance="svm", task="classification", learn_prior=False)
    trained = Trainer(config, tmp_path / "run", generate_characters(classes=100, drawings=8)).run()
    donor = load_run(uninterrupted).embedding.state_dict()
    assert all(torch.equal(value, donor[name]) for name, value in trained.embedding.state_dict().items())
    assert is_finished(tmp_path / "run")
    entry = json.loads((tmp_path / "run" / "log.jsonl").read_text())
    assert (entry["step"], entry["loss"]) == (0, None)
    assert entry["validation"] > 1 / 20  # chance of a 20-way task


def test_jittered_drawings_resume_too(letters: Characters, tmp_path: Path) -> None:
    config = tiny(augment=True, steps=4)
    Trainer(config, tmp_path / "whole", letters).run()
    Trainer(config, tmp_path / "parts", letters).run(until=2)
    resume(tmp_path / "parts", letters).run()
    assert outcome(tmp_path / "whole") == outcome(tmp_path / "parts")
    Trainer(tiny(steps=4), tmp_path / "plain", letters).run()
    assert outcome(tmp_path / "plain") != outcome(tmp_path / "whole")


def test_a_softmax_over_distinct_concepts(letters: Characters, tmp_path: Path) -> None:
    """Resumed, its learned scale goes on too; and each query is scored by every concept of its step."""
    config = tiny(loss="both", negatives="batch", tuples=4, irrelevant=0, steps=4)
    whole, parts = Trainer(config, tmp_path / "whole", letters), Trainer(config, tmp_path / "parts", letters)
    whole.run()
    parts.run(until=2)
    resumed = resume(tmp_path / "parts", letters)
    resumed.run()
    assert outcome(tmp_path / "whole") == outcome(tmp_path / "parts")
    assert whole.objective.softmax is not None
    assert resumed.objective.softmax is not None
    assert whole.objective.softmax.log_scale != 0
    assert torch.equal(whole.objective.softmax.log_scale, resumed.objective.softmax.log_scale)


RIVALS = [
    {"relevance": "prototypes", "loss": "softmax", "scale": 10.0},
    {"relevance": "matching", "loss": "softmax", "learn_scale": False},
    {"relevance": "matching", "loss": "softmax", "learn_scale": False, "context": True},
    {"relevance": "mann", "loss": "softmax", "learn_scale": False},
    {"relevance": "nearest-mean", "loss": "softmax"},
    {"relevance": "siamese", "loss": "verification"},
    {"relevance": "siamese", "loss": "verification", "negatives": "own", "irrelevant": 4},
]


@pytest.mark.parametrize("changes", RIVALS, ids=str)
def test_a_rival_trains_and_resumes(letters: Characters, tmp_path: Path, changes: dict[str, object]) -> None:
    """Whatever it learns has moved, and stopped on the way it ends the same."""
    shared = {"negatives": "batch", "irrelevant": 0, "tuples": 4, "learn_prior": False, "steps": 4}
    config = tiny(**{**shared, **changes})
    whole = Trainer(config, tmp_path / "whole", letters)
    whole.run()
    Trainer(config, tmp_path / "parts", letters).run(until=3)
    resume(tmp_path / "parts", letters).run()
    assert outcome(tmp_path / "whole") == outcome(tmp_path / "parts")
    start, end = build_network(config).state_dict(), load_run(tmp_path / "whole").state_dict()
    assert all((value != end[name]).any() for name, value in start.items())
    if whole.objective.softmax is not None:
        moved = whole.objective.softmax.log_scale.item() != pytest.approx(math.log(config.scale), abs=1e-9)
        assert moved == config.learn_scale


# Bad input ------------------------------------------------------------------------------------------------------------


def test_a_loss_that_is_not_a_number_stops_the_run(letters: Characters, tmp_path: Path) -> None:
    with pytest.raises(S2MError, match="NaN or infinite"):
        Trainer(tiny(learning_rate=1e30, learn_prior=False), tmp_path / "run", letters).run()
    assert set(files(tmp_path / "run")) == {"config.json"}


def test_a_finished_run_is_not_resumed(uninterrupted: Path, letters: Characters) -> None:
    with pytest.raises(S2MError, match="is finished: judge it with `s2m evaluate"):
        resume(uninterrupted, letters)


def test_a_damaged_state(letters: Characters, tmp_path: Path) -> None:
    Trainer(tiny(), tmp_path / "run", letters).run(until=2)
    path = tmp_path / "run" / "last.safetensors"
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(S2MError, match=r"last\.safetensors is damaged") as error:
        resume(tmp_path / "run", letters)
    assert "\n" not in str(error.value)


def test_a_run_folder_of_another_version(letters: Characters, tmp_path: Path) -> None:
    Trainer(tiny(), tmp_path / "run", letters).run(until=2)
    path = tmp_path / "run" / "config.json"
    path.write_text(path.read_text().replace('"format": 1', '"format": 0'))
    with pytest.raises(S2MError, match="version 0, this is version 1"):
        resume(tmp_path / "run", letters)


def test_too_few_drawings(tmp_path: Path) -> None:
    trainer = Trainer(tiny(), tmp_path / "run", generate_characters(classes=40, drawings=5))
    with pytest.raises(S2MError, match="ask for fewer"):
        trainer.run()
