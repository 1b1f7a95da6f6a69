"""Accuracy against shots and ways, from the stored weights: writes tables/omniglot_shots.csv.

    python results/shots.py

Networks were trained at five shots and twenty ways, and are asked for others. The tasks are other draws than those of
`s2m evaluate`, and the same for every method.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
from missing import write_missing
from tables import RIVALS, estimate
from tqdm import tqdm

from s2m.datasets import Characters, load_characters, split_characters
from s2m.ending import exit_status
from s2m.evaluation import classify, describe_characters
from s2m.runs import load_run

RESULTS = Path(__file__).parent
SETTINGS = [(20, shot) for shot in (1, 2, 3, 5, 7, 10, 15)] + [(way, 5) for way in (5, 10, 50, 100)]
FEW = "mann", "svm"  # at most twenty ways: the one has no more labels, the other takes hours
TASKS = 200


def shots(experiment: Path, characters: Characters, tasks: int = TASKS) -> pd.DataFrame:
    """One row a method of an experiment and setting: accuracy, mean of seeds."""
    test = split_characters(characters, "paper", "test").rotated()
    rows = []
    for name, label in RIVALS.items():
        found: dict[tuple[int, int], list[float]] = {setting: [] for setting in SETTINGS}
        for weights in tqdm(sorted((experiment / name).glob("seed-*/embedding.safetensors")), desc=label):
            network = load_run(weights.parent)
            descriptors = describe_characters(network, test)
            for way, shot in SETTINGS:
                if name in FEW and way > 20:
                    continue
                accuracies = classify(descriptors, network.relevance, way, shot, tasks, stream="shots")
                found[way, shot].append(float(accuracies.mean()))
        for (way, shot), values in found.items():
            if values:
                estimated = estimate(values)
                rows.append({"method": label, "way": way, "shot": shot, "accuracy": estimated.pop("mean"), **estimated})
    return pd.DataFrame(rows)


@exit_status
def main() -> None:
    """Write the table if it is not there."""
    path = RESULTS / "tables" / "omniglot_shots.csv"
    write_missing(path, lambda: shots(RESULTS / "omniglot_softmax", load_characters("omniglot")))


if __name__ == "__main__":
    sys.exit(main())
