"""The committed descriptors that chapters are live on."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import samples as program
import torch

from s2m import Descriptors, load_split
from s2m.config import Config
from s2m.datasets import QUERY_CLASSES
from s2m.problems import PhotoData, PhotoProblem
from s2m.problems.photo_data import Part
from s2m.problems.photos import DRAWS
from s2m.runs import build_network, load_network, read_run_config, save_config, save_network

FOLDER = program.RESULTS / "samples"


def test_files_are_small_and_complete() -> None:
    stored = {path.stem: Descriptors.load(path) for path in FOLDER.iterdir()}
    assert stored.keys() == program.samples(program.RUN).keys()
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 2e6
    assert stored["flowers102"].classes == program.FLOWERS
    assert np.bincount(stored["flowers102"].labels).tolist() == [program.EACH] * len(program.FLOWERS)
    assert stored["grocery_store"].classes == load_split("grocery_store", "test")
    asked = {name for name in stored["google_web"].classes if name.partition("/")[0] in QUERY_CLASSES}
    assert asked == {f"{query}/{kind}" for query in QUERY_CLASSES for kind in ("top", "photo", "cartoon")}
    assert {found.values.shape[1] for name, found in stored.items() if name != "flowers102"} == {128}


def test_samples_give_the_stored_figures() -> None:
    """The run whose head made them, judged again where there is no photograph."""
    found = Descriptors.load(FOLDER / "grocery_store.npz")
    network = load_network(program.RUN)
    network.embedding = torch.nn.Identity()
    part = Part.of(torch.from_numpy(found.values), found)
    problem = PhotoProblem(read_run_config(program.RUN), PhotoData({"test": part}, found.source, {}))
    judged = problem.judge_part(network, "test", ["clean", "two meanings"], DRAWS)
    stored = json.loads((program.RUN / "scores.json").read_text())
    for name, values in judged.drop(columns="class").items():
        assert values.mean() == pytest.approx(stored[name]["mean"], abs=1e-4)  # float16: 0.00003 when written


def test_samples_are_of_test_classes() -> None:
    assert set(program.FLOWERS) <= set(load_split("flowers102", "test"))


def made_up(count: int, size: int) -> Descriptors:
    values = np.random.default_rng(0).normal(size=(count, size)).astype(np.float32)
    files = tuple(f"{index}.jpg" for index in range(count))
    ranks = np.arange(count, dtype=np.int64)
    return Descriptors(values, np.arange(count) % 3, ("a", "b", "c"), files, "made up", ranks, "none")


def test_first_of_each_keeps_rows_together() -> None:
    found = made_up(11, 4)
    kept = program.first_of_each(found, 2)
    assert kept.files == tuple(f"{index}.jpg" for index in range(6))
    assert np.array_equal(kept.values, found.values[:6])
    assert kept.ranks is not None
    assert kept.ranks.tolist() == list(range(6))


def test_head_gives_descriptors_before_normalisation(tmp_path: Path) -> None:
    config = Config(task="retrieval", data="grocery_store", embedding="head")
    network, run = build_network(config), tmp_path / "photos" / "s2m-gmm2" / "seed-0"
    save_config(run, config)
    save_network(run, network)
    found = made_up(5, 1280)
    given = program.through_head(found, run)
    assert given.backbone == "none, head of photos/s2m-gmm2/seed-0"
    described = network.describe(torch.from_numpy(found.values))
    unit = torch.nn.functional.normalize(torch.from_numpy(given.values), dim=-1)
    assert torch.allclose(unit, described, atol=1e-6)  # float32, numbers of at most 1


def test_what_is_there_is_left_alone(tmp_path: Path, monkeypatch) -> None:
    def refuse() -> Descriptors:
        raise AssertionError("made again")

    makes: dict[str, Callable[[], Descriptors]] = {"old": refuse, "new": lambda: made_up(3, 2)}
    monkeypatch.setattr(program, "RESULTS", tmp_path)
    monkeypatch.setattr(program, "samples", lambda run: makes)
    monkeypatch.setattr("sys.argv", ["samples.py"])
    (tmp_path / "samples").mkdir()
    (tmp_path / "samples" / "old.npz").touch()
    assert program.main() == 0
    assert Descriptors.load(tmp_path / "samples" / "new.npz").classes == ("a", "b", "c")
