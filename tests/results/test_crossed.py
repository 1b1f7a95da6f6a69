"""Features crossed with what is kept of a set, on generated characters."""

from pathlib import Path

import crossed
import numpy as np
import pandas as pd
import pytest
import torch

from s2m import Characters, VariancePrior, generate_characters, load_run, split_characters
from s2m.config import Config
from s2m.evaluation import classify, describe_characters
from s2m.relevance import Prototypes
from s2m.runs import build_network, save_config, save_network


def test_shared_variances_against_a_loop() -> None:
    examples = torch.randn(4, 3, 5, generator=torch.Generator().manual_seed(0)).double()
    queries = torch.randn(6, 5, generator=torch.Generator().manual_seed(1)).double()
    found = crossed.SharedVariances(VariancePrior(2.0, 0.7))(examples, queries).numpy()
    x, means = examples.numpy(), examples.numpy().mean(1)
    for b in range(4):
        for m in range(6):
            total = 0.0
            for d in range(5):
                scatter = sum((x[c, i, d] - means[c, d]) ** 2 for c in range(4) for i in range(3))
                total -= (queries.numpy()[m, d] - means[b, d]) ** 2 / ((scatter + 2 * 0.7) / (12 + 2))
            assert found[b, m] == pytest.approx(total, rel=1e-12)  # rounding


def test_a_strong_prior_is_the_distance_to_the_mean() -> None:
    examples, queries = torch.randn(4, 3, 5).double(), torch.randn(6, 5).double()
    shared = crossed.SharedVariances(VariancePrior(1e12, 1.0))(examples, queries)
    torch.testing.assert_close(
        shared, Prototypes()(examples, queries), rtol=1e-9, atol=1e-9
    )  # 1e-12 of the prior is left


def save_untrained(run: Path, seed: int = 0) -> None:
    config = Config(data="generated", embedding="lenet", relevance="average", seed=seed)
    save_config(run, config)
    save_network(run, build_network(config))


def test_a_run_is_judged_in_every_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    letters = generate_characters(classes=100, drawings=4)
    save_untrained(tmp_path)
    monkeypatch.setattr(crossed, "SHOTS", (1, 2))
    monkeypatch.setattr(crossed, "STRENGTHS", (1, 10))
    monkeypatch.setattr(crossed, "VALIDATION_TASKS", 2)
    rows = crossed.crossed(tmp_path, letters, tasks=3).set_index(["judge", "shot"]).accuracy.to_dict()
    assert rows.keys() == {
        (j, s) for j in ("dot product", "distance", "shared variances", "own variances") for s in (1, 2)
    }
    test = describe_characters(load_run(tmp_path), split_characters(letters, "paper", "test").rotated())
    assert rows["distance", 2] == classify(test, Prototypes(), 20, 2, 3).mean()
    # One example has no scatter, and all variances are the prior's.
    np.testing.assert_allclose([rows["shared variances", 1], rows["own variances", 1]], rows["distance", 1], rtol=1e-12)


def test_a_gain_is_that_over_the_distance_and_runs_are_judged_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    letters = generate_characters(classes=100, drawings=4)
    monkeypatch.setattr(crossed, "SHOTS", (2,))
    monkeypatch.setattr(crossed, "STRENGTHS", (1,))
    monkeypatch.setattr(crossed, "VALIDATION_TASKS", 2)
    folder = tmp_path / "omniglot_classification" / "avg-ft"
    for seed in range(2):
        save_untrained(folder / f"seed-{seed}", seed)
    table = crossed.table(tmp_path, lambda: letters, tasks=3)
    assert table.features.unique().tolist() == ["AVG-FT"]  # methods without runs have no rows
    assert table.seeds.tolist() == [2] * 4
    each = [pd.read_csv(run / "crossed.csv").set_index("judge").accuracy for run in sorted(folder.iterdir())]
    gains = np.array([run - run["distance"] for run in each])  # (seeds, judges)
    expected = pd.Series(gains.mean(0), each[0].index)
    found = table.set_index("judge")
    np.testing.assert_allclose(found.gain, expected[found.index], atol=5e-5)  # rounded to four digits

    def refuse() -> Characters:
        raise AssertionError("every run has been judged")

    pd.testing.assert_frame_equal(crossed.table(tmp_path, refuse, tasks=3), table)
