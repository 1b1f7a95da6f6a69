"""Learned heads with a prior chosen on the validation classes, as a pre-learned density's is: tables/photos_priors.csv.

    python results/priors.py

All networks learned with one prior, worth one example. Here the AVG-FT heads, which learned without any, get a Gaussian
and a mixture of two whose prior validates best among three. They are asked for impure sets, those with foreign images
of another origin included (results/strangers.py), and for web queries.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from photo_tables import IMPURE, PHOTOS, WEB
from prelearned import PRIORS
from strangers import ANOTHER, ORIGINS, draw_all, enlarged

from s2m.config import make_config
from s2m.evaluation import confidence95
from s2m.layer import RelevanceNet
from s2m.models import VariancePrior
from s2m.problems import PhotoProblem
from s2m.problems.photo_data import Part, load_photo_data
from s2m.problems.photos import DRAWS, describe, rank
from s2m.relevance import Average, Likelihood
from s2m.runs import HEAD_SIZE, load_network, read_run_config
from s2m.storage import write_bytes

RESULTS = Path(__file__).parent
METHODS = {"Gauss-AVG-FT": 1, "GMM2-AVG-FT": 2}
SHARE = 0.6
# What is judged, and sets with foreign images of another origin.
CONDITIONS = (*IMPURE, *(f"60 % of {origin}" for origin in ORIGINS[1:]), *(f"web {kind}" for kind in WEB))


def choose(problem: PhotoProblem, network: RelevanceNet, components: int) -> float:
    """Give a network the density whose prior validates best; returns how many examples that prior is worth."""
    candidates = {nu: Likelihood(components, VariancePrior(nu, tau2 / HEAD_SIZE)) for nu, tau2 in PRIORS}
    scores = {nu: problem.validate(RelevanceNet(network.embedding, each)) for nu, each in candidates.items()}
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
        found = rank(values, len(part.labels), network.relevance, list(draw_all(part, origin, SHARE, problem.config)))
        columns[f"60 % of {origin} stepwise"] = found["stepwise"].reshape(-1, DRAWS).mean(1)
    return pd.DataFrame(columns, index=pd.Index(part.classes, name="class"))


def judged(results: Path, collection: str) -> Iterator[tuple[str, float, pd.DataFrame, pd.DataFrame]]:
    """Method, worth of the prior, and average precisions by class: its own, and those of the mean; seed by seed."""
    runs = sorted(results.glob(f"photos_{collection}_impure/avg-ft/seed-*/embedding.safetensors"))
    if not runs:
        return
    data = load_photo_data(read_run_config(runs[0].parent))
    another = make_config({"task": "retrieval", "embedding": "head", "data": ANOTHER[collection]})
    part = enlarged(data.parts["test"], load_photo_data(another).parts["test"])
    for path in runs:
        network, problem = load_network(path.parent), PhotoProblem(read_run_config(path.parent), data)
        stored = pd.read_csv(path.parent / "judged.csv", index_col="class")
        average = stored.join(by_origin(problem, RelevanceNet(network.embedding, Average()), part))
        for method, components in METHODS.items():
            worth = choose(problem, network, components)
            own = problem.judge(network).set_index("class").join(by_origin(problem, network, part))
            yield method, worth, own, average


def table(results: Path) -> pd.DataFrame:
    """A row a collection, condition and method, over the seeds whose weights are there.

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
                         "run": f"results/photos_{collection}_impure/avg-ft"})  # fmt: skip
    return pd.DataFrame(rows).round(4)


def main() -> None:
    """Write the table if it is not there: it needs the weights of all seeds, and seed 0 alone is committed."""
    path = RESULTS / "tables" / "photos_priors.csv"
    if not path.exists():
        write_bytes(path, table(RESULTS).to_csv(index=False).encode())


if __name__ == "__main__":
    main()
