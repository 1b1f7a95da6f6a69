"""The program that judges impure concept sets: on little networks, made-up scores and stored runs."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import robustness as program
import torch

from s2m import Conv4, Mixture, generate_characters, load_characters, load_run, split_characters
from s2m.datasets.loading import packed_path
from s2m.evaluation import confidence95, describe_characters, one_rotation_each
from s2m.impure import ambiguous_sets, judge_sets, noisy_sets
from s2m.layer import RelevanceNet
from s2m.relevance import Average, Likelihood


def test_choosing_and_judging(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, few in {"STRENGTHS": (1.0,), "VARIANCES": (0.001, 0.1), "COSTS": (0.1, 10.0)}.items():
        monkeypatch.setattr(program, name, few)
    monkeypatch.setattr(program, "DENSITIES", {"Gauss": 1, "GMM2": 2})
    characters = generate_characters(8)
    networks = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        networks.append(RelevanceNet(Conv4(), Average()).eval())
    negatives = [program.draw_negatives(network, characters, seed) for seed, network in enumerate(networks)]
    assert negatives[0].shape == (20, 64)
    choice = program.choose(networks, characters, negatives)
    assert choice.method.value_counts().to_dict() == {"Gauss": 2, "GMM2": 2, "SVM": 2, "AVG": 1, "NN": 1}
    chosen = choice[choice.chosen].set_index("method")
    pd.testing.assert_series_equal(chosen["map"], choice.groupby("method")["map"].max()[chosen.index])

    scores, parted = program.judge_all(
        {"S2M-Gauss": networks, "AVG-FT": networks}, characters, negatives, choice[choice.chosen]
    )
    assert len(scores) == 2 * 8 * (2 + 5)  # seeds, kinds of set, methods
    assert set(parted.method) == {"GMM2"}
    table = program.summarise(scores).set_index(["features", "method", "meanings", "foreign"])
    values = [
        judge_sets(describe_characters(network, characters), Average(), noisy_sets((8, 20), 4))["stepwise"].mean()
        for network in networks
    ]
    for row in (table.loc["AVG-FT", "AVG", 1, 4], table.loc["own", "AVG-FT", 1, 4]):
        assert row["map"] == pytest.approx(np.mean(values), abs=5e-5)  # rounded to four digits
        assert row.ci95 == pytest.approx(confidence95(values), abs=5e-5)
        assert row.seeds == 2


def test_seeds_are_compared_in_pairs() -> None:
    kind = {"features": "AVG-FT", "meanings": 2, "foreign": 0, "run": "results/x", "trapezoid": 0.1}
    values = {"Gauss": (0.5, 0.7, 0.6), "GMM2": (0.6, 0.9, 0.7)}
    scores = [
        {**kind, "method": name, "seed": seed, "stepwise": value}
        for name, found in values.items()
        for seed, value in enumerate(found)
    ]
    table = program.summarise(pd.DataFrame(scores)).set_index("method")
    assert table.ahead_of_gauss.tolist() == [0.0, 0.1333]
    assert table.loc["GMM2", "ahead_ci95"] == round(confidence95([0.1, 0.2, 0.1]), 4)
    assert table.loc["GMM2", "map"] == 0.7333


def test_parting() -> None:
    """Two far groups of two characters are told apart by two Gaussians at their places, and not by one."""
    sets, descriptors = ambiguous_sets((6, 20)), torch.arange(6.0)[:, None, None].expand(6, 20, 1).contiguous()

    def density(examples: torch.Tensor, used: int) -> Mixture:
        low, high = examples.amin(1), examples.amax(1)
        weights = torch.tensor([[1.0, 0.0], [0.5, 0.5]][used - 1]).expand(len(examples), 2)
        return Mixture(weights, torch.stack([low, high], 1), torch.full((len(examples), 2, 1), 0.01))

    both, one = (program.parting(lambda x, used=used: density(x, used), descriptors, sets) for used in (2, 1))
    assert (both["parted"], both["rand_index"], both["chose_2"]) == (1, 1, 1)
    assert (one["parted"], one["rand_index"], one["chose_1"]) == (0, 0, 1)


def test_tables_that_are_there_are_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "RESULTS", tmp_path)
    (tmp_path / "tables").mkdir()
    paths = [tmp_path / "tables" / f"omniglot_robustness{name}.csv" for name in ("", "_choice", "_parting")]
    for path in paths:
        path.write_text("kept")
    assert program.main() == 0
    assert {path.read_text() for path in paths} == {"kept"}


def test_sets_without_noise_give_the_stored_figures(root: Path) -> None:
    """Other batches round otherwise: a drawing in ten thousand may change places."""
    table = pd.read_csv(root / "results" / "tables" / "omniglot_robustness.csv")
    clean = table[(table.features == "own") & (table.meanings == 1) & (table.foreign == 0)].set_index("run")
    assert len(clean) == 4
    for run, row in clean.iterrows():
        scores = [json.loads((root / run / f"seed-{seed}" / "scores.json").read_text()) for seed in program.SEEDS]
        assert row.seeds == len(scores)
        for column, kind in (("map", "stepwise"), ("map_trapezoid", "trapezoid")):
            assert row[column] == pytest.approx(np.mean([one[kind]["mean"] for one in scores]), abs=1e-4)


def test_a_stored_run_gives_the_table(root: Path) -> None:
    if packed_path() is None:
        pytest.skip("no Omniglot to judge the stored runs on: see `make data`")
    test = one_rotation_each(split_characters(load_characters("omniglot"), part="test"))
    network = load_run(root / "results" / "omniglot_retrieval" / "s2m-gauss" / "seed-0")
    assert isinstance(network.relevance, Likelihood)
    descriptors = describe_characters(network, test)
    table = pd.read_csv(root / "results" / "tables" / "omniglot_robustness.csv")
    row = table.set_index(["features", "method", "meanings", "foreign"]).loc["own", "S2M-Gauss", 1, 4]
    found = judge_sets(descriptors, network.relevance, noisy_sets((len(test), 20), 4))["stepwise"].mean()
    # The farthest of five values is at most 4 / sqrt(5) = 1.79 deviations from their mean; ci95 is 1.24 of them.
    assert abs(found - row["map"]) < 1.5 * row.ci95
