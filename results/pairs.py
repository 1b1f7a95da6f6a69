"""Methods compared pair by pair: on the same tasks, and from the same seeds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from s2m.evaluation import confidence95

REFERENCE = "s2m-gauss"


def pairs(results: Path, experiments: dict[str, dict[str, str]]) -> pd.DataFrame:
    """How far S2M-Gauss is ahead of each other method, one row an experiment, method and measure.

    Two intervals (95 %, Student's t) of one difference answer two questions: `ci95_seeds`, over the differences of runs
    of one seed, whether it would hold for another training; `ci95_tasks`, over those of single tasks or concepts (each
    averaged over seeds), whether for others of the kind.
    """
    rows = []
    for experiment, methods in experiments.items():
        ours = single(results / experiment / REFERENCE)
        for name, label in methods.items():
            theirs = single(results / experiment / name)
            seeds = sorted(ours.keys() & theirs.keys())
            if name == REFERENCE or not seeds:
                continue
            for measure in ours[seeds[0]]:
                ahead = np.array([ours[seed][measure] - theirs[seed][measure] for seed in seeds])  # (seeds, tasks)
                rows.append({"experiment": experiment, "method": label, "measure": measure,
                             "ahead": round(ahead.mean(), 5), "ci95_seeds": round(confidence95(ahead.mean(1)), 5),
                             "ci95_tasks": round(confidence95(ahead.mean(0)), 5), "seeds": len(seeds),
                             "tasks": ahead.shape[1]})  # fmt: skip
    return pd.DataFrame(rows)


def single(folder: Path) -> dict[str, pd.DataFrame]:
    """What `judge` found for every single task or concept, by the seed's folder."""
    return {path.parent.name: pd.read_csv(path) for path in sorted(folder.glob("seed-*/judged.csv"))}
