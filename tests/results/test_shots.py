"""Accuracy against shots and ways, of networks that were never trained, on generated characters."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.stats
import shots as program

from s2m import Characters, generate_characters, load_run, split_characters
from s2m.config import Config
from s2m.evaluation import classify, describe_characters
from s2m.runs import build_network, save_config, save_network

SETTINGS = [(5, 1), (5, 5), (3, 5)]


@pytest.fixture(scope="module")
def letters() -> Characters:
    return generate_characters(classes=40, drawings=8)


@pytest.fixture(scope="module")
def experiment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seeds of one method, and one of another."""
    folder = tmp_path_factory.mktemp("experiment")
    for name, relevance, seeds in (("avg", "average", 1), ("s2m-gauss", "likelihood", 2)):
        for seed in range(seeds):
            config = Config(data="generated", embedding="lenet", relevance=relevance, examples=3, seed=seed)
            save_config(folder / name / f"seed-{seed}", config)
            save_network(folder / name / f"seed-{seed}", build_network(config))
    return folder


def test_settings_vary_one_thing_and_can_be_drawn() -> None:
    """20 drawings of each of 4 x 423 test classes; a query must be left."""
    assert len(set(program.SETTINGS)) == len(program.SETTINGS)
    for way, shot in program.SETTINGS:
        assert way == 20 or shot == 5
        assert way <= 4 * 423
        assert shot < 20
    assert (20, 5) in program.SETTINGS  # the point that both curves share


def test_accuracies(letters: Characters, experiment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "SETTINGS", SETTINGS)
    table = program.shots(experiment, lambda: letters, tasks=4)
    assert list(table) == ["method", "way", "shot", "accuracy", "ci95", "seeds"]
    # In the order of the other tables; methods without runs have no rows.
    assert list(zip(table.method, table.way, table.shot, strict=True)) == [
        (label, *setting) for label in ("S2M-Gauss", "AVG") for setting in SETTINGS
    ]
    test = split_characters(letters, "paper", "test").rotated()
    networks = [load_run(experiment / "s2m-gauss" / f"seed-{seed}") for seed in range(2)]
    found = np.array(
        [
            [classify(describe_characters(n, test), n.relevance, *s, 4, stream="shots").mean() for s in SETTINGS]
            for n in networks
        ]
    )
    ours = table[table.method == "S2M-Gauss"]
    np.testing.assert_allclose(ours.accuracy, found.mean(0), atol=5e-5)  # rounded to four digits
    half = scipy.stats.t.ppf(0.975, 1) * found.std(0, ddof=1) / np.sqrt(2)
    np.testing.assert_allclose(ours.ci95, half, atol=5e-5)
    assert ours.seeds.tolist() == [2, 2, 2]
    other = table[table.method == "AVG"]
    assert other.seeds.tolist() == [1, 1, 1]
    assert other.ci95.isna().all()  # one seed has no interval

    def refuse() -> Characters:
        raise AssertionError("every run has been judged")

    pd.testing.assert_frame_equal(program.shots(experiment, refuse, tasks=4), table)
    shutil.copytree(experiment / "avg" / "seed-0", experiment / "avg" / "seed-1")  # a seed that comes later is seen
    assert program.shots(experiment, refuse).set_index("method").seeds["AVG"].tolist() == [2, 2, 2]


def test_tasks_are_not_those_of_the_scores(letters: Characters, experiment: Path) -> None:
    network = load_run(experiment / "avg" / "seed-0")
    test = describe_characters(network, split_characters(letters, "paper", "test").rotated())
    scored = classify(test, network.relevance, 5, 5, 20)
    assert not np.array_equal(scored, classify(test, network.relevance, 5, 5, 20, stream="shots"))


def test_no_runs_no_rows(letters: Characters, tmp_path: Path) -> None:
    assert program.shots(tmp_path, lambda: letters).empty
