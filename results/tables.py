"""Build results/tables/*.csv, and the README's table, from the judged runs and the published figures."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import median
from typing import Any, get_args

import numpy as np
import pandas as pd

from s2m.evaluation import confidence95
from s2m.models.study import Gradient
from s2m.storage import write_bytes

METHODS = {"s2m-gauss": "S2M-Gauss", "gauss-avg-ft": "Gauss-AVG-FT", "avg-ft": "AVG-FT", "nn-ft": "NN-FT"}
RIVALS = {
    "s2m-gauss": "S2M-Gauss", "prototypes": "ProtoNets", "matching": "Matching Nets",
    "siamese": "Convolutional Siamese Net", "nearest-mean": "NCM", "mann": "MANN", "avg": "AVG",
}  # fmt: skip
Names = dict[str, str]  # of folders, and of methods as a table names them


def judged(folder: Path) -> dict[str, dict[str, Any]]:
    """The scores of a method's runs, by the seed's folder; only those on real characters count."""
    scores = {path.parent.name: json.loads(path.read_text()) for path in sorted(folder.glob("seed-*/scores.json"))}
    return {seed: entry for seed, entry in scores.items() if entry["source"] == "Omniglot"}


def estimate(values: list[float]) -> dict[str, object]:
    """Mean over seeds and the half-width of its 95 % Student interval."""
    return {"mean": round(float(np.mean(values)), 4), "ci95": round(confidence95(values), 4), "seeds": len(values)}


def published(results: Path, table: str, model: str, column: str) -> float:
    """A figure of the paper, NaN where it has none."""
    figures = pd.read_csv(results / "published" / f"{table}.csv").set_index("model")
    return float(figures[column].get(model, np.nan))


def classification(
    results: Path, experiment: str = "omniglot_classification", methods: Names = METHODS
) -> pd.DataFrame:
    """One row a method and number of ways: accuracy over 1000 tasks, averaged over seeds."""
    rows = []
    for name, label in methods.items():
        folder = results / experiment / name
        scores = list(judged(folder).values())
        for way in (5, 20) if scores else ():
            found = estimate([entry[f"{way}-way"]["mean"] for entry in scores])
            figure = published(results, "table2", label, f"omniglot_{way}way_5shot")
            rows.append({"method": label, "way": way, "shot": scores[0]["shot"], "accuracy": found.pop("mean"), **found,
                         "published": figure, "run": folder.relative_to(results.parent).as_posix()})  # fmt: skip
    return pd.DataFrame(rows)


def softmax(results: Path) -> pd.DataFrame:
    """As `classification`, of what learned by a softmax over twenty concepts: all on equal terms, then the best."""
    equal = classification(results, "omniglot_softmax", RIVALS)
    best = classification(results, "omniglot_beyond", {"s2m-gauss": "S2M-Gauss, trained longer"})
    return pd.concat([table for table in (equal, best) if len(table)] or [equal])


def retrieval(results: Path) -> pd.DataFrame:
    """One row a method: mean average precision (step-wise, and by trapezoids beside it), averaged over seeds.

    Methods learn with the negatives of all tuples of a step; a second block of rows has a tuple's own, as published.
    """
    rows = []
    for experiment, note in {"omniglot_retrieval": "", "omniglot_retrieval_own": ", own negatives"}.items():
        for name, label in METHODS.items():
            folder = results / experiment / name
            scores = judged(folder).values()
            if scores:
                found = estimate([entry["stepwise"]["mean"] for entry in scores])
                trapezoid = float(np.mean([entry["trapezoid"]["mean"] for entry in scores]))
                rows.append({"method": label + note, "map": found.pop("mean"), **found,
                             "map_trapezoid": round(trapezoid, 4),
                             "published": published(results, "table1", label, "omniglot"),
                             "run": folder.relative_to(results.parent).as_posix()})  # fmt: skip
    return pd.DataFrame(rows)


def gradients(results: Path) -> pd.DataFrame:
    """One row a gradient through the fit: mean average precision, seed by seed against the exact one, and minutes."""
    folders = {name: results / "omniglot_gradient" / name for name in get_args(Gradient)}
    scores = {
        name: {seed: entry["stepwise"]["mean"] for seed, entry in judged(folder).items()}
        for name, folder in folders.items()
    }
    exact = scores["exact"]
    rows = []
    for name, values in scores.items():
        if values:
            found = estimate(list(values.values()))
            behind = estimate([exact[seed] - value for seed, value in values.items() if seed in exact])
            runs = [json.loads(path.read_text()) for path in folders[name].glob("seed-*/provenance.json")]
            rows.append({"gradient": name, "map": found.pop("mean"), **found,
                         "behind_exact": behind["mean"], "behind_ci95": behind["ci95"],
                         "minutes": round(median(run["seconds"] for run in runs) / 60, 1),
                         "run": folders[name].relative_to(results.parent).as_posix()})  # fmt: skip
    return pd.DataFrame(rows)


def headline(results: Path) -> str:
    """The table of the README: ours with its 95 % interval over seeds, and the published figure in brackets."""
    accuracies = pd.read_csv(results / "tables" / "omniglot_classification.csv").set_index(["method", "way"])
    precisions = pd.read_csv(results / "tables" / "omniglot_retrieval.csv").set_index("method")

    def cell(row: pd.Series, column: str) -> str:
        ours = f"{100 * row[column]:.1f} ± {100 * row.ci95:.1f}"
        return ours if pd.isna(row.published) else f"{ours} ({100 * row.published:.1f})"

    lines = ["| Omniglot | 5-way 5-shot | 20-way 5-shot | retrieval mAP |", "|:--|--:|--:|--:|"]
    for label in METHODS.values():
        cells = [cell(accuracies.loc[(label, way)], "accuracy") for way in (5, 20)]
        lines.append(" | ".join([f"| {label}", *cells, f"{cell(precisions.loc[label], 'map')} |"]))
    seeds = accuracies.seeds.min()
    lines += ["", f"Percent, mean of {seeds} seeds ± the 95 % interval over seeds; in brackets what was published."]
    return "\n".join(lines)


def with_headline(readme: str, table: str) -> str:
    """The text of the README with its headline table replaced."""
    begin, end = "<!-- headline: generated from results/tables -->", "<!-- end of headline -->"
    before, _, rest = readme.partition(begin)
    return f"{before}{begin}\n{table}\n{end}{rest.partition(end)[2]}"


def write_tables(results: Path) -> None:
    """Write every table whose runs are there; and the README's, once every method is."""
    tables = {"omniglot_classification": classification(results), "omniglot_retrieval": retrieval(results)}
    others = {"omniglot_gradient": gradients(results), "omniglot_softmax": softmax(results)}
    for name, table in {**tables, **others}.items():
        if len(table):
            write_bytes(results / "tables" / f"{name}.csv", table.to_csv(index=False).encode())
    if not all(len(table) and set(METHODS.values()) <= set(table["method"]) for table in tables.values()):
        return
    readme = results.parent / "README.md"
    write_bytes(readme, with_headline(readme.read_text(encoding="utf-8"), headline(results)).encode())


if __name__ == "__main__":
    write_tables(Path(__file__).parent)
