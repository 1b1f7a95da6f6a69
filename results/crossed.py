"""Does a variance for each class pay? Features crossed with what is kept of a set: writes tables/omniglot_crossed.csv.

    python results/crossed.py

Every embedding, however it was learned, is judged by the dot product with the mean, the distance to it, with variances
that the classes of a task share, and with variances of each class. The prior of the variances is chosen on validation
characters, for every embedding, number of shots and judge anew, so that none is held back by the prior that it was
learned with. What a run gives is kept beside it, in `crossed.csv`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache, partial
from itertools import product
from pathlib import Path

import pandas as pd
from missing import judge_missing
from tables import CLASSIFICATION, estimate
from torch import Tensor

from s2m.datasets import Characters, load_characters, split_characters
from s2m.ending import exit_status
from s2m.evaluation import classify, describe_characters
from s2m.models import VariancePrior
from s2m.models.checks import check_set
from s2m.relevance import Average, Likelihood, Prototypes, Relevance, Scorer
from s2m.runs import load_run
from s2m.storage import write_bytes

RESULTS = Path(__file__).parent
FEATURES = {
    "omniglot_classification": ("avg-ft", "s2m-gauss"),
    "omniglot_softmax": ("avg", "prototypes", "s2m-gauss"),
}
SHOTS = 1, 5, 15
STRENGTHS, FACTORS = (1, 3, 10, 100), (0.5, 1.0, 2.0)  # of the prior; its variance in units of that within a class
TASKS, VALIDATION_TASKS = 300, 100


class SharedVariances(Relevance):
    """Minus the squared distance to a set's mean, in units of variances that all sets of the batch, a task, share."""

    def __init__(self, prior: VariancePrior) -> None:
        super().__init__()
        self.prior = prior

    def fit(self, examples: Tensor, weights: Tensor | None = None) -> Scorer:
        """Keep means, and variances within sets, pooled over them: (S + nu tau^2) / (N + nu) with N of all sets."""
        x, _ = check_set(examples, weights)
        means = x.mean(1, keepdim=True)
        scatter, count = (x - means).square().sum((0, 1)), x.shape[0] * x.shape[1]
        variances = (scatter + self.prior.strength * self.prior.variance) / (count + self.prior.strength)
        return lambda queries: -(queries - means).square().div(variances).sum(2)


def judges(within: float) -> dict[str, list[Relevance]]:
    """The candidates for each way to keep a set; within: the mean variance within a class, (units of descriptors)^2."""
    priors = [VariancePrior(strength, factor * within) for strength, factor in product(STRENGTHS, FACTORS)]
    return {
        "dot product": [Average()],
        "distance": [Prototypes()],
        "shared variances": [SharedVariances(prior) for prior in priors],
        "own variances": [Likelihood(1, prior) for prior in priors],
    }


def validated(candidate: Relevance, descriptors: Tensor, shot: int) -> float:
    """Accuracy of 20-way tasks of validation characters."""
    return float(classify(descriptors, candidate, 20, shot, VALIDATION_TASKS, stream="validation").mean())


def crossed(run: Path, characters: Characters, tasks: int = TASKS) -> pd.DataFrame:
    """Test accuracy of one run's embedding, 20 ways, one row a judge and number of shots."""
    network = load_run(run)
    validation, test = (
        describe_characters(network, split_characters(characters, "paper", part).rotated())
        for part in ("validation", "test")
    )
    rows = []
    for judge, candidates in judges(validation.var(1).mean().item()).items():
        for shot in SHOTS:
            best = max(candidates, key=partial(validated, descriptors=validation, shot=shot))
            rows.append({"judge": judge, "shot": shot, "accuracy": classify(test, best, 20, shot, tasks).mean()})
    return pd.DataFrame(rows)


def table(results: Path, characters: Callable[[], Characters], tasks: int = TASKS) -> pd.DataFrame:
    """One row an embedding, judge and number of shots: accuracy, mean of seeds, and the gain over the distance."""
    rows = []
    for experiment, names in FEATURES.items():
        for name in names:
            folder = results / experiment / name
            runs = judge_missing(folder, "crossed.csv", lambda run: crossed(run, characters(), tasks))
            if not runs:
                continue
            found = pd.DataFrame({seed: run.set_index(["judge", "shot"]).accuracy for seed, run in runs.items()})
            found = found.sort_index()
            for (judge, shot), accuracies in found.iterrows():
                ahead = estimate(list(accuracies - found.loc[("distance", shot)]))
                rows.append({"experiment": experiment, "features": CLASSIFICATION[experiment][name], "judge": judge,
                             "shot": shot, "accuracy": estimate(list(accuracies))["mean"], "gain": ahead["mean"],
                             "gain_ci95": ahead["ci95"], "seeds": len(runs),
                             "run": folder.relative_to(results.parent).as_posix()})  # fmt: skip
    return pd.DataFrame(rows)


@exit_status
def main() -> None:
    """Judge the runs that have not been, and write the table of all."""
    found = table(RESULTS, cache(partial(load_characters, "omniglot")))
    write_bytes(RESULTS / "tables" / "omniglot_crossed.csv", found.to_csv(index=False).encode())


if __name__ == "__main__":
    sys.exit(main())
