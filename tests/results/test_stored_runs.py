"""The committed weights give the committed figures, on the data they were judged on."""

import json
import shutil
from pathlib import Path

import pytest

from s2m.datasets import Characters, load_characters
from s2m.datasets.loading import packed_path
from s2m.judging import judge

WEIGHTS = ("config.json", "embedding.safetensors", "relevance.safetensors")


@pytest.fixture(scope="module")
def omniglot() -> Characters:
    if packed_path() is None:
        pytest.skip("no Omniglot to judge the stored runs on: see `make data`")
    return load_characters("omniglot")


@pytest.mark.parametrize("experiment", ["omniglot_classification", "omniglot_retrieval"])
def test_a_stored_run_gives_its_stored_figure(
    experiment: str, root: Path, omniglot: Characters, tmp_path: Path
) -> None:
    run = root / "results" / experiment / "s2m-gauss" / "seed-0"
    for name in WEIGHTS:
        shutil.copy(run / name, tmp_path / name)
    found, stored = judge(tmp_path, omniglot), json.loads((run / "scores.json").read_text())
    assert found.keys() == stored.keys()
    for name, value in stored.items():
        if isinstance(value, dict):
            # Another processor sums convolutions in another order: a query in ten thousand may change places.
            assert found[name]["mean"] == pytest.approx(value["mean"], abs=1e-4)
            assert found[name]["count"] == value["count"]
        else:
            assert found[name] == value
