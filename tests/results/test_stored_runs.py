"""The committed weights give the committed figures, on the data they were judged on."""

import json
import shutil
from pathlib import Path

import pytest

from s2m import S2MError, load_backbone, load_photos
from s2m.datasets import Characters, load_characters
from s2m.datasets.loading import packed_path
from s2m.describing import cache_folder, features_path
from s2m.judging import judge

WEIGHTS = ("config.json", "embedding.safetensors", "relevance.safetensors")


@pytest.fixture(scope="module")
def omniglot() -> Characters:
    if packed_path() is None:
        pytest.skip("no Omniglot to judge the stored runs on: see `make data`")
    return load_characters("omniglot")


@pytest.fixture
def described() -> None:
    """Skips where describing the photographs would take minutes."""
    for name in ("grocery_store", "caltech101", "google_web"):
        try:
            images = load_photos(name)
        except S2MError as error:
            pytest.skip(f"no photographs to judge the stored runs on: {error}")
        path = features_path(images, load_backbone(), cache_folder())
        if not path.is_file():
            pytest.skip(f"{name} is not described, {path} is not there: `s2m describe {name} --out FILE` takes minutes")


@pytest.mark.parametrize("experiment", ["omniglot_classification", "omniglot_retrieval"])
def test_a_stored_run_gives_its_stored_figure(
    experiment: str, root: Path, omniglot: Characters, tmp_path: Path
) -> None:
    judge_again(root / "results" / experiment / "s2m-gauss" / "seed-0", tmp_path, omniglot)


@pytest.mark.usefixtures("described")
def test_a_stored_run_of_photographs_gives_its_stored_figures(root: Path, tmp_path: Path) -> None:
    judge_again(root / "results" / "photos_grocery_store_impure" / "s2m-gmm2" / "seed-0", tmp_path)


def judge_again(run: Path, folder: Path, data: Characters | None = None) -> None:
    """Judge what is kept of a run, in another folder, and compare."""
    for name in WEIGHTS:
        shutil.copy(run / name, folder / name)
    found, stored = judge(folder, data), json.loads((run / "scores.json").read_text())
    assert found.keys() == stored.keys()
    for name, value in stored.items():
        if isinstance(value, dict):
            # Another processor sums convolutions in another order: a query in ten thousand may change places.
            assert found[name]["mean"] == pytest.approx(value["mean"], abs=1e-4)
            assert found[name]["count"] == value["count"]
        else:
            assert found[name] == value
