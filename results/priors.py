"""Learned heads with a prior chosen on the validation classes, as a pre-learned density's is: tables/photos_priors.csv.

    python results/priors.py

All densities learned with one prior, worth one example. Here their heads, and the AVG-FT heads, which learned without
any, get a Gaussian and a mixture of two whose prior validates best. They are asked for impure sets, those with foreign
images of another origin included (results/strangers.py), and for web queries.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from missing import write_missing
from photo_tables import IMPURE, PHOTOS, WEB
from strangers import ANOTHER, ORIGINS, enlarged, strange_sets
from weights import all_seeds

from s2m.config import make_config
from s2m.ending import exit_status
from s2m.evaluation import confidence95
from s2m.layer import RelevanceNet
from s2m.models import VariancePrior
from s2m.problems import PhotoProblem
from s2m.problems.photo_data import Part, load_photo_data
from s2m.problems.photos import DRAWS, describe, rank
from s2m.relevance import Average, Likelihood
from s2m.runs import HEAD_SIZE, load_network, read_run_config

RESULTS = Path(__file__).parent
# Runs whose heads are taken, and how many components their densities get.
METHODS = {
    "Gauss-AVG-FT": ("avg-ft", 1), "GMM2-AVG-FT": ("avg-ft", 2), "S2M-Gauss": ("s2m-gauss", 1),
    "S2M-GMM2": ("s2m-gmm2", 2),
}  # fmt: skip
PRIORS = (0.3, 1, 3, 10)  # strengths; the variance is as many times 1 / n
SHARE = 0.6
# What is judged, and sets with foreign images of another origin.
CONDITIONS = (*IMPURE, *(f"60 % of {origin}" for origin in ORIGINS[1:]), *(f"web {kind}" for kind in WEB))


def choose(problem: PhotoProblem, network: RelevanceNet, components: int) -> float:
    """Give a network the density whose prior validates best; returns how many examples that prior is worth."""
    candidates = {worth: Likelihood(components, VariancePrior(worth, worth / HEAD_SIZE)) for worth in PRIORS}
    scores = {worth: problem.validate(RelevanceNet(network.embedding, each)) for worth, each in candidates.items()}
    best = max(scores, key=scores.__getitem__)
    network.relevance = candidates[best]
    return best


@torch.no_grad()
def by_origin(problem: PhotoProblem, network: RelevanceNet, part: Part) -> pd.DataFrame:
    """Average precision by class of sets with foreign images of another origin than the judged ones.

    part: the test part, with the images of another collection after its own.
    """
    values, columns = describe(network, part.values), {}
    for origin in ORIGINS[1:]:
        found = rank(values, len(part.labels), network.relevance, strange_sets(part, origin, SHARE, problem.config))
        columns[f"60 % of {origin} stepwise"] = found["stepwise"].reshape(-1, DRAWS).mean(1)
    return pd.DataFrame(columns, index=pd.Index(part.classes, name="class"))


def judged(results: Path, collection: str) -> Iterator[tuple[str, float, pd.DataFrame, pd.DataFrame]]:
    """Method, worth of the prior, and average precisions by class: its own, and those of the mean; seed by seed."""
    folder = results / f"photos_{collection}_impure"
    data = load_photo_data(read_run_config(all_seeds(folder / "avg-ft")[0]))
    another = make_config({"task": "retrieval", "embedding": "head", "data": ANOTHER[collection]})
    part = enlarged(data.parts["test"], load_photo_data(another).parts["test"])
    averages = {}
    for run in all_seeds(folder / "avg-ft"):
        network, problem = load_network(run), PhotoProblem(read_run_config(run), data)
        strange = by_origin(problem, RelevanceNet(network.embedding, Average()), part)
        averages[run.name] = pd.read_csv(run / "judged.csv", index_col="class").join(strange)
    for method, (name, components) in METHODS.items():
        for run in all_seeds(folder / name):
            network, problem = load_network(run), PhotoProblem(read_run_config(run), data)
            worth = choose(problem, network, components)
            own = problem.judge(network).set_index("class").join(by_origin(problem, network, part))
            yield method, worth, own, averages[run.name]


def table(results: Path) -> pd.DataFrame:
    """A row a collection, condition and method, over all seeds.

    prior: how many examples the chosen prior is worth, for every seed. ahead: of AVG-FT, with its intervals over seeds
    and classes.
    """
    rows = []
    for collection in PHOTOS:
        found: dict[tuple[str, str], list[tuple[float, pd.Series, pd.Series]]] = {}
        for method, worth, own, average in judged(results, collection):
            for condition in CONDITIONS:
                if (column := f"{condition} stepwise") in own:
                    pair = (worth, own[column].dropna(), average[column].dropna())
                    found.setdefault((condition, method), []).append(pair)
        for (condition, method), seeds in found.items():
            ahead = np.stack([own - average for _, own, average in seeds])  # (seeds, classes)
            own = np.array([own.mean() for _, own, _ in seeds])
            rows.append({"collection": collection, "condition": condition, "method": method,
                         "prior": " ".join(f"{worth:g}" for worth, _, _ in seeds), "map": own.mean(),
                         "ci95": confidence95(own), "ahead": ahead.mean(), "ci95_seeds": confidence95(ahead.mean(1)),
                         "ci95_classes": confidence95(ahead.mean(0)), "seeds": len(seeds),
                         "run": f"results/photos_{collection}_impure/{METHODS[method][0]}"})  # fmt: skip
    return pd.DataFrame(rows).round(4)


@exit_status
def main() -> None:
    """Write the table if it is not there: it needs the weights of all seeds, see `make.py --weights`."""
    write_missing(RESULTS / "tables" / "photos_priors.csv", lambda: table(RESULTS))


if __name__ == "__main__":
    sys.exit(main())
