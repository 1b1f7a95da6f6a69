"""Judging a finished run: what is written, and that it is the same every time."""

import json
from pathlib import Path

import numpy as np
import pytest

from s2m import Characters, S2MError, generate_characters, load_run, split_characters
from s2m.config import Config
from s2m.evaluation import classify, describe_characters, one_rotation_each, retrieve
from s2m.judging import judge, summary
from s2m.runs import build_network, save_config, save_network


@pytest.fixture(scope="module")
def letters() -> Characters:
    return generate_characters(classes=40, drawings=8)


def run_folder(folder: Path, **changes: object) -> Path:
    config = Config(**{"data": "generated", "embedding": "lenet", "relevance": "average", "examples": 3, **changes})
    save_config(folder, config)
    save_network(folder, build_network(config))
    return folder


def test_classification(letters: Characters, tmp_path: Path) -> None:
    folder = run_folder(tmp_path / "run")
    scores = judge(folder, letters, tasks=5)
    assert json.loads((folder / "scores.json").read_text()) == scores
    assert (scores["task"], scores["source"], scores["shot"]) == ("classification", "generated characters", 3)
    network, test = load_run(folder), split_characters(letters, "paper", "test")
    descriptors = describe_characters(network, test.rotated())
    for way in (5, 20):
        accuracies = classify(descriptors, network.relevance, way, 3, 5)
        assert scores[f"{way}-way"] == summary(accuracies)
    assert judge(folder, letters, tasks=5) == scores


def test_retrieval(letters: Characters, tmp_path: Path) -> None:
    folder = run_folder(tmp_path / "run", task="retrieval")
    scores = judge(folder, letters)
    network, test = load_run(folder), split_characters(letters, "paper", "test")
    found = retrieve(describe_characters(network, one_rotation_each(test)), network.relevance, 3)
    assert scores["stepwise"] == summary(found["stepwise"])
    assert scores["trapezoid"] == summary(found["trapezoid"])
    assert scores["stepwise"]["count"] == len(test)


def test_summary() -> None:
    found = summary(np.array([0.5, 0.7, 0.9]))
    assert found == {"mean": pytest.approx(0.7), "sd": pytest.approx(0.2), "count": 3}


def test_too_few_characters_leave_no_scores(tmp_path: Path) -> None:
    folder = run_folder(tmp_path / "run")
    with pytest.raises(S2MError, match=r"20-way 3-shot task .* ask for fewer"):
        judge(
            folder,
            generate_characters(classes=20, drawings=8).select(f"Generated/character{i:04d}" for i in range(1, 14)),
        )
    assert not (folder / "scores.json").exists()
