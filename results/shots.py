"""Accuracy against shots and ways, from the stored weights: writes tables/omniglot_shots.csv.

    python results/shots.py

Networks were trained at five shots and twenty ways, and are asked for others. The tasks are other draws than those of
`s2m evaluate`, and the same for every method. What a run gives is kept beside it, in `shots.csv`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

import pandas as pd
from missing import judge_missing
from tables import RIVALS, estimate

from s2m.datasets import Characters, load_characters, split_characters
from s2m.ending import exit_status
from s2m.evaluation import classify, describe_characters
from s2m.runs import load_run
from s2m.storage import write_bytes

RESULTS = Path(__file__).parent
SETTINGS = [(20, shot) for shot in (1, 2, 3, 5, 7, 10, 15)] + [(way, 5) for way in (5, 10, 50, 100)]
FEW = "mann", "svm"  # at most twenty ways: the one has no more labels, the other takes hours
TASKS = 200


def judge(run: Path, characters: Characters, tasks: int = TASKS) -> pd.DataFrame:
    """One row a setting: accuracy of a run, mean of tasks."""
    network = load_run(run)
    descriptors = describe_characters(network, split_characters(characters, "paper", "test").rotated())
    settings = [(way, shot) for way, shot in SETTINGS if way <= 20 or run.parent.name not in FEW]
    accuracies = [classify(descriptors, network.relevance, *setting, tasks, stream="shots") for setting in settings]
    return pd.DataFrame(settings, columns=["way", "shot"]).assign(accuracy=[float(one.mean()) for one in accuracies])


def shots(experiment: Path, characters: Callable[[], Characters], tasks: int = TASKS) -> pd.DataFrame:
    """One row a method of an experiment and setting: accuracy, mean of seeds."""
    rows = []
    for name, label in RIVALS.items():
        found = judge_missing(experiment / name, "shots.csv", lambda run: judge(run, characters(), tasks))
        if not found:
            continue
        for (way, shot), values in pd.concat(found).groupby(["way", "shot"], sort=False).accuracy:
            estimated = estimate(list(values))
            rows.append({"method": label, "way": way, "shot": shot, "accuracy": estimated.pop("mean"), **estimated})
    return pd.DataFrame(rows)


@exit_status
def main() -> None:
    """Judge the runs that have not been, and write the table of all."""
    table = shots(RESULTS / "omniglot_softmax", cache(partial(load_characters, "omniglot")))
    write_bytes(RESULTS / "tables" / "omniglot_shots.csv", table.to_csv(index=False).encode())


if __name__ == "__main__":
    sys.exit(main())
