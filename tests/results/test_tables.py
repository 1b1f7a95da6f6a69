"""The tables of results/, from scores that are made up."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.stats
import tables

from s2m.config import Config
from s2m.runs import save_config


@pytest.fixture
def results(root: Path, tmp_path: Path) -> Path:
    """An empty results/ with the published figures, beside a README."""
    folder = tmp_path / "results"
    (folder / "published").mkdir(parents=True)
    for path in (root / "results" / "published").glob("*.csv"):
        (folder / "published" / path.name).write_bytes(path.read_bytes())
    marks = "<!-- headline: generated from results/tables -->", "<!-- end of headline -->"
    (tmp_path / "README.md").write_text(f"before\n{marks[0]}\nold\n{marks[1]}\nafter\n")
    return folder


def score(folder: Path, **values: object) -> None:
    folder.mkdir(parents=True)
    (folder / "scores.json").write_text(json.dumps({"source": "Omniglot", "shot": 5, **values}))


def classify(
    results: Path, method: str, *accuracies: tuple[float, float], experiment: str = "classification", **values: object
) -> None:
    """Accuracies at 5 and 20 ways, each of two tasks."""
    for seed, pair in enumerate(accuracies):
        folder = results / f"omniglot_{experiment}" / method / f"seed-{seed}"
        names = "5-way 5-shot", "20-way 5-shot"
        score(folder, **{name: {"mean": value} for name, value in zip(names, pair, strict=True)}, **values)
        tasks = {name: [value - 0.01, value + 0.01] for name, value in zip(names, pair, strict=True)}
        pd.DataFrame(tasks).to_csv(folder / "judged.csv", index=False)


def retrieve(results: Path, method: str, *precisions: float, experiment: str = "omniglot_retrieval") -> None:
    for seed, value in enumerate(precisions):
        means = {"stepwise": {"mean": value}, "trapezoid": {"mean": value - 0.01}}
        score(results / experiment / method / f"seed-{seed}", **means)


def test_classification(results: Path) -> None:
    classify(results, "s2m-gauss", (0.99, 0.96), (0.98, 0.97), (0.97, 0.95))
    table = tables.classification(results, "omniglot_classification")
    assert table.way.tolist() == [5, 20]
    assert (table.tasks == "any").all()
    row = table.iloc[0]
    assert (row.method, row.shot, row.seeds, row.accuracy) == ("S2M-Gauss", 5, 3, 0.98)
    half = scipy.stats.t.ppf(0.975, 2) * np.std([0.99, 0.98, 0.97], ddof=1) / np.sqrt(3)
    assert row.ci95 == pytest.approx(half, abs=5e-5)  # rounded to four digits
    assert table.published.tolist() == [0.985, 0.956]  # from the paper
    assert row.run == "results/omniglot_classification/s2m-gauss"


def test_rivals_beside_their_own_papers(results: Path) -> None:
    classify(results, "matching", (0.98, 0.97), (0.99, 0.98), experiment="softmax")
    one_shot = {"5-way 1-shot": {"mean": 0.9}, "5-way 1-shot within alphabets": {"mean": 0.8}}
    score(results / "omniglot_softmax" / "mann" / "seed-0", **one_shot)
    table = tables.classification(results, "omniglot_softmax").set_index(["method", "way", "shot", "tasks"])
    assert table.loc[("Matching Nets", 20, 5, "any"), ["accuracy", "published"]].tolist() == [0.975, 0.985]  # table 2
    assert table.loc[("MANN", 5, 1, "any"), "published"] == pytest.approx(0.828)  # its own paper, in percent there
    assert np.isnan(table.loc[("MANN", 5, 1, "within alphabets"), "published"])
    assert table.loc[("MANN", 5, 1, "within alphabets"), "accuracy"] == 0.8


def test_pairs(results: Path) -> None:
    """Only seeds of both; tasks that are equally hard for both have no spread."""
    classify(results, "s2m-gauss", (0.9, 0.8), (0.95, 0.85), (0.5, 0.5))
    classify(results, "avg-ft", (0.88, 0.8), (0.91, 0.83))
    table = tables.all_tables(results)["omniglot_pairs"].set_index("measure")
    row = table.loc["5-way 5-shot"]
    assert (row.method, row.seeds, row.tasks, row.ahead) == ("AVG-FT", 2, 2, 0.03)
    half = scipy.stats.t.ppf(0.975, 1) * np.std([0.02, 0.04], ddof=1) / np.sqrt(2)
    assert row.ci95_seeds == pytest.approx(half, abs=5e-6)  # rounded to five digits
    assert row.ci95_tasks == 0


def test_retrieval(results: Path) -> None:
    retrieve(results, "s2m-gauss", 0.7, 0.8)
    retrieve(results, "avg-ft", 0.6)
    table = tables.retrieval(results).set_index("method")
    assert {"map", "ci95", "seeds", "published", "run"} <= set(table.columns)
    assert table.loc["S2M-Gauss", "map"] == 0.75
    assert table.loc["S2M-Gauss", "map_trapezoid"] == 0.74
    assert table.loc["S2M-Gauss", "published"] == 0.740
    assert table.loc["AVG-FT", "seeds"] == 1
    assert np.isnan(table.loc["AVG-FT", "ci95"])  # one seed has no interval


def test_gradients(results: Path) -> None:
    """Seeds are compared in pairs, and the minutes are those of the middle run."""
    for name, values in {"exact": (0.7, 0.8, 0.6), "one-step": (0.6, 0.75, 0.6)}.items():
        retrieve(results, name, *values, experiment="omniglot_gradient")
        for seed, seconds in enumerate((60, 120, 600)):
            path = results / "omniglot_gradient" / name / f"seed-{seed}" / "provenance.json"
            path.write_text(json.dumps({"seconds": seconds}))
    table = tables.gradients(results).set_index("gradient")
    assert list(table.index) == ["exact", "one-step"]
    assert table.loc["exact", ["map", "seeds", "behind_exact", "minutes"]].tolist() == [0.7, 3, 0.0, 2.0]
    assert table.loc["one-step", "behind_exact"] == 0.05
    half = scipy.stats.t.ppf(0.975, 2) * np.std([0.1, 0.05, 0.0], ddof=1) / np.sqrt(3)
    assert table.loc["one-step", "behind_ci95"] == pytest.approx(half, abs=5e-5)  # rounded to four digits


def test_ablations_name_what_they_change(results: Path) -> None:
    softmax = {"loss": "softmax", "negatives": "batch", "irrelevant": 0}
    common = {**softmax, "scale": 0.1, "prior_strength": 10.0}
    runs = {
        "reference": (common, ""),
        "loss-both": ({**common, "loss": "both"}, "loss = both"),
        # of another method the steps count, and not its prior and scale, nor how often it is evaluated
        "half": ({**softmax, "relevance": "prototypes", "steps": 300}, "relevance = prototypes, steps = 300"),
        "evaluated": ({**common, "evaluate_every": 7}, ""),
        "warm": ({**common, "init_from": "results/omniglot_ablation/half/seed-0"}, "init_from = half"),
    }
    for name, (config, _) in runs.items():
        folder = results / "omniglot_ablation" / name / "seed-0"
        score(folder, **{f"20-way {shot}-shot": {"mean": 0.8} for shot in (1, 5)})
        save_config(folder, Config(**config))
    table = tables.ablations(results).set_index("name")
    assert table.change.to_dict() == {name: change for name, (_, change) in runs.items()}
    assert table.loc["loss-both", ["accuracy_1shot", "accuracy_5shot", "seeds"]].tolist() == [0.8, 0.8, 1]


def test_ablations_are_set_beside_the_reference_seed_by_seed(results: Path) -> None:
    accuracies = {"reference": (0.8, 0.7), "loss-both": (0.82, 0.8, 0.1)}  # the third has no partner
    for name, values in accuracies.items():
        for seed, value in enumerate(values):
            folder = results / "omniglot_ablation" / name / f"seed-{seed}"
            score(folder, **{f"20-way {shot}-shot": {"mean": value + shot / 100} for shot in (1, 5)})
            save_config(folder, Config(seed=seed))
    row = tables.ablations(results).set_index("name").loc["loss-both"]
    assert row[["ahead_1shot", "ahead_5shot", "seeds"]].tolist() == [0.06, 0.06, 3]
    half = scipy.stats.t.ppf(0.975, 1) * np.std([0.02, 0.1], ddof=1) / np.sqrt(2)
    assert row.ahead_ci95_5shot == pytest.approx(half, abs=5e-5)  # rounded to four digits


def test_numbers_of_generated_characters_do_not_enter(results: Path) -> None:
    classify(results, "s2m-gauss", (0.5, 0.5), source="generated characters")
    classify(results, "avg-ft", (0.9, 0.8))
    assert tables.classification(results, "omniglot_classification").method.unique().tolist() == ["AVG-FT"]


def test_a_method_without_a_published_figure(results: Path) -> None:
    classify(results, "avg-ft", (0.9, 0.8))
    assert tables.classification(results, "omniglot_classification").published.isna().all()


def test_no_runs_no_tables(results: Path) -> None:
    tables.write_tables(results)
    assert not (results / "tables").exists()
    assert "old" in (results.parent / "README.md").read_text()


def test_some_runs_some_tables(results: Path) -> None:
    """The README waits until every method is there."""
    classify(results, "avg-ft", (0.9, 0.8))
    tables.write_tables(results)
    assert [path.name for path in (results / "tables").iterdir()] == ["omniglot_classification.csv"]
    assert "old" in (results.parent / "README.md").read_text()


def test_all_runs_all_tables(results: Path) -> None:
    for index, method in enumerate(tables.METHODS):
        classify(results, method, (0.9 + index / 100, 0.8), (0.92 + index / 100, 0.8))
        retrieve(results, method, 0.5, 0.6)
    classify(results, "s2m-gauss", (0.99, 0.98), experiment="beyond")
    tables.write_tables(results)
    table = pd.read_csv(results / "tables" / "omniglot_classification.csv")
    pd.testing.assert_frame_equal(table, tables.classification(results, "omniglot_classification"))
    readme = (results.parent / "README.md").read_text()
    assert readme.startswith("before\n")
    assert readme.endswith("\nafter\n")
    assert "old" not in readme
    assert "| S2M-Gauss | 91.00 ± 12.71 (98.5) | 80.00 ± 0.00 (95.6) | – | 2 | 55.00 ± 63.53 (74.0) | 2 |" in readme
    assert "| S2M-Gauss, longer | 99.00 | 98.00 | – | 1 | – | – |" in readme
    tables.write_tables(results)
    assert (results.parent / "README.md").read_text() == readme


def test_the_tables_of_the_repository_are_those_of_its_runs(root: Path) -> None:
    for name, table in tables.all_tables(root / "results").items():
        path = root / "results" / "tables" / f"{name}.csv"
        assert path.read_text() == table.to_csv(index=False), f"{path} is not up to date: run results/tables.py"
