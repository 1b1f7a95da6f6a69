"""Judging a finished run: what is written, and that it is the same every time."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from s2m import Characters, S2MError, generate_characters, load_run, split_characters
from s2m.config import Config
from s2m.evaluation import classify, describe_characters, one_rotation_each, retrieve
from s2m.judging import judge, summary
from s2m.problems.drawings import SETTINGS
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
    single = pd.read_csv(folder / "judged.csv")
    assert list(single) == ["5-way 1-shot", "5-way 5-shot", "20-way 1-shot", "20-way 5-shot"]
    for way, shot in SETTINGS:
        accuracies = classify(descriptors, network.relevance, way, shot, 5)
        assert scores[f"{way}-way {shot}-shot"] == summary(accuracies)
        # Six digits are written; a task asks hundreds of queries at most, so the number of right answers is kept.
        np.testing.assert_allclose(single[f"{way}-way {shot}-shot"], accuracies, rtol=1e-5)
    assert judge(folder, letters, tasks=5) == scores


def test_tasks_within_an_alphabet_where_alphabets_are_held_out(tmp_path: Path) -> None:
    """26 test characters in two alphabets: enough for five ways within one, too few for twenty."""
    letters = generate_characters(classes=100, drawings=8)
    names = tuple(f"{'Latin' if index % 2 else 'Greek'}/{index}" for index in range(100))
    letters = Characters(letters.images, names, letters.source)
    folder = run_folder(tmp_path / "run", split="official")
    scores = judge(folder, letters, tasks=5)
    within = [name for name in scores if "within" in name]
    assert within == ["5-way 1-shot within alphabets", "5-way 5-shot within alphabets"]
    network, test = load_run(folder), split_characters(letters, "official", "test")
    descriptors = describe_characters(network, test)
    first = test.names[0].split("/")[0]
    groups = [[i for i, name in enumerate(test.names) if name.startswith(first) == same] for same in (True, False)]
    found = classify(descriptors, network.relevance, 5, 1, 5, stream="test within alphabets", groups=groups)
    assert scores[within[0]] == summary(found)


def test_retrieval(letters: Characters, tmp_path: Path) -> None:
    folder = run_folder(tmp_path / "run", task="retrieval")
    scores = judge(folder, letters)
    network, test = load_run(folder), split_characters(letters, "paper", "test")
    found = retrieve(describe_characters(network, one_rotation_each(test)), network.relevance, 3)
    assert scores["stepwise"] == summary(found["stepwise"])
    assert scores["trapezoid"] == summary(found["trapezoid"])
    assert scores["stepwise"]["count"] == len(test)
    np.testing.assert_allclose(pd.read_csv(folder / "judged.csv").stepwise, found["stepwise"], rtol=1e-5)  # six digits


def test_summary() -> None:
    found = summary(np.array([0.5, 0.7, 0.9]))
    assert found == {"mean": pytest.approx(0.7), "sd": pytest.approx(0.2), "count": 3}


def test_too_few_characters_leave_no_scores(tmp_path: Path) -> None:
    folder = run_folder(tmp_path / "run")
    with pytest.raises(S2MError, match=r"20-way 1-shot task .* ask for fewer"):
        judge(
            folder,
            generate_characters(classes=20, drawings=8).select(f"Generated/character{i:04d}" for i in range(1, 14)),
        )
    assert not (folder / "scores.json").exists()
