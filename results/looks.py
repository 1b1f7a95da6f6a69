"""Looking nine times at every drawing, with the stored weights: writes tables/omniglot_looks.csv.

    python results/looks.py

Nothing is learned anew. A descriptor is the mean of nine: of the drawing, and of small changes of it. The tasks are
those that the runs are judged by, so gains are paired.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
from missing import write_missing
from pairs import single
from tables import CLASSIFICATION, estimate
from tqdm import tqdm

from s2m.augmentation import NineLooks
from s2m.datasets import Characters, load_characters
from s2m.ending import exit_status
from s2m.evaluation import confidence95
from s2m.problems import load_problem
from s2m.problems.drawings import TASKS
from s2m.runs import load_run, read_run_config

RESULTS = Path(__file__).parent
EXPERIMENT = "omniglot_beyond"


def look_again(run: Path, characters: Characters, tasks: int = TASKS) -> tuple[pd.DataFrame, float, float]:
    """Accuracies of all test tasks with nine looks; and on validation characters, with one look and with nine."""
    network = load_run(run)
    problem = load_problem(read_run_config(run), characters)
    once = problem.validate(network)
    network.embedding = NineLooks(network.embedding)
    return problem.judge(network, tasks), once, problem.validate(network)


def looks(results: Path, characters: Characters, tasks: int = TASKS) -> pd.DataFrame:
    """One row a method and setting: accuracy with nine looks, mean of seeds, and the gain over one look."""
    rows = []
    for name, label in CLASSIFICATION[EXPERIMENT].items():
        folder = results / EXPERIMENT / name
        before = single(folder)
        runs = [look_again(folder / seed, characters, tasks) for seed in tqdm(before, desc=label)]
        if not runs:
            continue
        after, once, nine_times = zip(*runs, strict=True)
        for setting in after[0]:
            way, shot = (int(part.partition("-")[0]) for part in setting.split())
            accuracy = estimate([judged[setting].mean() for judged in after])
            both = zip(before.values(), after, strict=True)
            gains = pd.DataFrame([nine[setting] - one[setting] for one, nine in both])
            gain = estimate(list(gains.mean(axis=1)))
            rows.append({"method": label, "way": way, "shot": shot, "accuracy": accuracy["mean"],
                         "ci95": accuracy["ci95"], "gain": gain["mean"], "gain_ci95": gain["ci95"],
                         "gain_ci95_tasks": round(confidence95(gains.mean().to_numpy()), 4), "seeds": len(runs),
                         "validated_once": estimate(list(once))["mean"],
                         "validated": estimate(list(nine_times))["mean"],
                         "run": folder.relative_to(results.parent).as_posix()})  # fmt: skip
    return pd.DataFrame(rows)


@exit_status
def main() -> None:
    """Write the table if it is not there."""
    path = RESULTS / "tables" / "omniglot_looks.csv"
    write_missing(path, lambda: looks(RESULTS, load_characters("omniglot")))


if __name__ == "__main__":
    sys.exit(main())
