"""Build results/tables/*.csv, and the README's table, from the judged runs and the published figures."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import median
from typing import Any, get_args

import numpy as np
import pandas as pd
from pairs import pairs
from photo_tables import photo_pairs, table1
from readme import with_results

from s2m.evaluation import confidence95
from s2m.models.study import Gradient
from s2m.runs import read_run_config
from s2m.storage import write_bytes

Names = dict[str, str]  # of folders, and of methods as a table names them
METHODS = {"s2m-gauss": "S2M-Gauss", "gauss-avg-ft": "Gauss-AVG-FT", "avg-ft": "AVG-FT", "nn-ft": "NN-FT"}
RANKED = {**METHODS, "s2m-gmm2": "S2M-GMM2"}
RIVALS = {
    "s2m-gauss": "S2M-Gauss", "prototypes": "ProtoNets", "matching": "Matching Nets", "mann": "MANN",
    "siamese": "Convolutional Siamese Net", "nearest-mean": "NCM", "avg": "AVG", "svm": "SVM",
}  # fmt: skip
CLASSIFICATION: dict[str, Names] = {  # experiments, and the methods of each
    "omniglot_classification": METHODS,
    "omniglot_softmax": {
        **RIVALS,
        "matching-context": "Matching Nets, full context",
        "mann-one-shot": "MANN, trained for one shot",
        "mann-five-ways": "MANN, trained for one shot of five",
    },
    "omniglot_beyond": {
        "s2m-gauss": "S2M-Gauss, longer",
        "augmented": "S2M-Gauss, longer, augmented",
        "sixty-ways": "S2M-Gauss, sixty ways, augmented",
    },
    "omniglot_official": RIVALS,
}
RETRIEVAL = {  # experiments, and what sets them apart from the first
    "omniglot_retrieval": "",
    "omniglot_retrieval_own": ", own negatives",
    "omniglot_retrieval_conv4": ", conv-4",
}
PEERS = {"MANN (no conv)": "MANN", "Siamese (conv)": "Convolutional Siamese Net"}  # from the names of peers.csv


def judged(folder: Path) -> dict[str, dict[str, Any]]:
    """The scores of a method's runs, by the seed's folder; only those on real characters count."""
    scores = {path.parent.name: json.loads(path.read_text()) for path in sorted(folder.glob("seed-*/scores.json"))}
    return {seed: entry for seed, entry in scores.items() if entry["source"] == "Omniglot"}


def estimate(values: list[float]) -> dict[str, object]:
    """Mean over seeds and the half-width of its 95 % Student interval."""
    return {"mean": round(float(np.mean(values)), 4), "ci95": round(confidence95(values), 4), "seeds": len(values)}


def published(results: Path, model: str, column: str) -> float:
    """A figure of the paper, else the one that the method's own authors report; NaN where there is none."""
    paper = [pd.read_csv(results / "published" / f"{name}.csv", index_col="model") for name in ("table1", "table2")]
    peers = pd.read_csv(results / "published" / "peers.csv", index_col="method").drop(columns="source")
    for figures in (*paper, peers.div(100).add_prefix("omniglot_").rename(index=PEERS)):
        if column in figures and pd.notna(figure := figures[column].get(model)):
            return round(float(figure), 4)
    return np.nan


def classification(results: Path, experiment: str) -> pd.DataFrame:
    """One row a method and setting: accuracy over 1000 tasks, averaged over seeds."""
    rows = []
    for name, label in CLASSIFICATION[experiment].items():
        folder = results / experiment / name
        scores = list(judged(folder).values())
        for setting in [key for key in scores[0] if "-way" in key] if scores else ():
            way, shot, *within = setting.replace("-way", "").replace("-shot", "").split(maxsplit=2)
            found = estimate([entry[setting]["mean"] for entry in scores])
            figure = np.nan if within else published(results, label, f"omniglot_{way}way_{shot}shot")
            rows.append({"method": label, "way": int(way), "shot": int(shot), "tasks": (within or ["any"])[0],
                         "accuracy": found.pop("mean"), **found, "published": figure, "trained_shot": scores[0]["shot"],
                         "run": folder.relative_to(results.parent).as_posix()})  # fmt: skip
    return pd.DataFrame(rows)


def retrieval(results: Path) -> pd.DataFrame:
    """One row a method: mean average precision (step-wise, and by trapezoids beside it), averaged over seeds.

    Methods learn with the negatives of all tuples of a step; further blocks of rows have a tuple's own, as published,
    and conv-4 in place of LeNet.
    """
    rows = []
    for experiment, note in RETRIEVAL.items():
        for name, label in RANKED.items():
            folder = results / experiment / name
            scores = judged(folder).values()
            if scores:
                found = estimate([entry["stepwise"]["mean"] for entry in scores])
                trapezoid = float(np.mean([entry["trapezoid"]["mean"] for entry in scores]))
                rows.append({"method": label + note, "map": found.pop("mean"), **found,
                             "map_trapezoid": round(trapezoid, 4),
                             "published": np.nan if "conv4" in experiment else published(results, label, "omniglot"),
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


def ablations(results: Path) -> pd.DataFrame:
    """One row a short run that differs from the reference in one thing: what that is, accuracies at 20 ways, and what
    they are ahead of the reference, seed by seed."""
    rows = []
    reference = results / "omniglot_ablation" / "reference"
    usual = judged(reference)
    for folder in sorted(path.parent for path in results.glob("omniglot_ablation/*/seed-0/")):
        if scores := judged(folder):
            configs = [read_run_config(each / "seed-0").model_dump() for each in (reference, folder)]
            changed = {key: value for key, value in configs[1].items() if value != configs[0][key]}
            changed.pop("evaluate_every", None)
            if "relevance" in changed:  # prior, scale and length of descriptors then are those of another method
                named = "relevance", "context", "tuples", "steps"
                changed = {key: value for key, value in changed.items() if key in named}
            if "init_from" in changed:
                changed["init_from"] = Path(changed["init_from"]).parent.name
            row = {"name": folder.name, "change": ", ".join(f"{key} = {value}" for key, value in changed.items())}
            for shot in (1, 5):
                found = {seed: entry[f"20-way {shot}-shot"]["mean"] for seed, entry in scores.items()}
                common = scores.keys() & usual.keys()
                ahead = estimate([found[seed] - usual[seed][f"20-way {shot}-shot"]["mean"] for seed in common])
                accuracy = estimate(list(found.values()))
                row |= {f"accuracy_{shot}shot": accuracy["mean"], f"ci95_{shot}shot": accuracy["ci95"],
                        f"ahead_{shot}shot": ahead["mean"], f"ahead_ci95_{shot}shot": ahead["ci95"]}  # fmt: skip
            rows.append({**row, "seeds": len(scores), "run": folder.relative_to(results.parent).as_posix()})
    return pd.DataFrame(rows)


def all_tables(results: Path) -> dict[str, pd.DataFrame]:
    """Every table whose runs are there, by its name."""
    tables = {name: classification(results, name) for name in CLASSIFICATION}
    tables |= {"omniglot_retrieval": retrieval(results), "omniglot_gradient": gradients(results)}
    tables["omniglot_ablation"] = ablations(results)
    tables |= {"table1": table1(results, tables["omniglot_retrieval"]), "photos_pairs": photo_pairs(results)}
    tables["omniglot_pairs"] = pairs(results, {**CLASSIFICATION, **dict.fromkeys(RETRIEVAL, RANKED)})
    return {name: table for name, table in tables.items() if len(table)}


def write_tables(results: Path) -> None:
    """Write every table whose runs are there; and the README's, once every method is."""
    tables = all_tables(results)
    for name, table in tables.items():
        write_bytes(results / "tables" / f"{name}.csv", table.to_csv(index=False).encode())
    shown = [tables.get(name) for name in ("omniglot_classification", "omniglot_retrieval")]
    if all(table is not None and set(METHODS.values()) <= set(table["method"]) for table in shown):
        readme = results.parent / "README.md"
        write_bytes(readme, with_results(readme.read_text(encoding="utf-8"), results / "tables").encode())


if __name__ == "__main__":
    write_tables(Path(__file__).parent)
