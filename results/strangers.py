"""Where foreign images come from decides whether a mixture helps: tables/photos_strangers.csv.

    python results/strangers.py

The judged concept sets with foreign images of another origin: of the other test classes of the collection itself, or
of the test classes of another collection. Networks are those that learned from impure sets, with images of Caltech's
BACKGROUND_Google and of other classes.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from missing import write_missing
from photo_tables import PHOTOS, TRAINED
from torch import Tensor
from weights import METHODS, all_seeds

from s2m.config import Config, make_config
from s2m.ending import exit_status
from s2m.evaluation import confidence95
from s2m.problems.photo_data import Part, load_photo_data
from s2m.problems.photo_sets import PhotoSet, draw_sets
from s2m.problems.photos import DRAWS, describe, rank
from s2m.runs import load_network, read_run_config

RESULTS = Path(__file__).parent
SHARES = (0.3, 0.6)
# Which collection the images come from that look like nothing in this one.
ANOTHER = {"flowers102": "caltech101", "caltech101": "grocery_store", "grocery_store": "flowers102"}
ORIGINS = ("Caltech's background", "own other classes", "another collection")


def enlarged(part: Part, other: Part) -> Part:
    """A test part that has the images of another one after its own foreign ones."""
    values = torch.cat([part.values, other.values[: len(other.labels)]])  # type: ignore[list-item]
    return replace(part, values=values)


def strangers(part: Part, origin: str, concept: int) -> np.ndarray:
    """The places, in an enlarged part, of the images that may get into sets of a class."""
    images = len(part.labels) + len(part.strangers)
    return {
        "Caltech's background": part.strangers,
        "own other classes": np.flatnonzero(part.labels != concept),
        "another collection": np.arange(images, len(part.values)),
    }[origin]


def strange_sets(part: Part, origin: str, share: float, config: Config) -> list[PhotoSet]:
    """The concept sets of a condition; none of their examples is ranked."""
    sets = draw_sets(
        config.seed,
        "test",
        DRAWS,
        part.members,
        config.examples,
        share,
        lambda concept: strangers(part, origin, concept),
    )
    return [
        replace(found, unranked=np.union1d(found.unranked, found.examples[found.examples < len(part.labels)]))
        for found in sets
    ]


def agreement(values: Tensor, part: Part, sets: list[PhotoSet]) -> float:
    """Mean cosine of two foreign images of a set."""
    means = []
    for found in sets:
        own = np.isin(found.examples, part.members[found.classes[0]])
        foreign = values[torch.from_numpy(found.examples[~own])]
        size = len(foreign)
        means.append(((foreign @ foreign.T).sum().item() - size) / (size * (size - 1)))
    return float(np.mean(means))


@torch.no_grad()
def table(results: Path) -> pd.DataFrame:
    """A row a collection, origin, share and method: mean average precision over seeds.

    ahead: of AVG-FT, seed by seed, with its interval. agreement: mean cosine of two foreign images of a set.
    """
    rows = []
    for name in PHOTOS:
        runs = [run for method in METHODS for run in all_seeds(results / f"photos_{name}_impure" / method)]
        config = read_run_config(runs[0])
        another = make_config({"task": "retrieval", "embedding": "head", "data": ANOTHER[name]})
        part = enlarged(load_photo_data(config).parts["test"], load_photo_data(another).parts["test"])
        for run in runs:
            network, config = load_network(run), read_run_config(run)
            values = describe(network, part.values)
            for origin in ORIGINS:
                for share in SHARES:
                    sets = strange_sets(part, origin, share, config)
                    found = rank(values, len(part.labels), network.relevance, sets)["stepwise"].mean()
                    rows.append({"collection": name, "origin": origin, "foreign": share, "seed": config.seed,
                                 "method": TRAINED[run.parts[-2]], "map": found,
                                 "agreement": agreement(values, part, sets)})  # fmt: skip
    return summarise(pd.DataFrame(rows))


def summarise(found: pd.DataFrame) -> pd.DataFrame:
    """Means over seeds with 95 % intervals."""
    keys = ["collection", "origin", "foreign"]
    average = found[found.method == "AVG-FT"].set_index([*keys, "seed"])["map"]
    found = found.join(average.rename("average"), on=[*keys, "seed"])
    rows = []
    for key, group in found.groupby([*keys, "method"], sort=False):
        ahead = (group["map"] - group.average).dropna()
        rows.append({**dict(zip([*keys, "method"], key)), "map": group["map"].mean(),
                     "ci95": confidence95(group["map"]), "ahead": ahead.mean(), "ahead_ci95": confidence95(ahead),
                     "agreement": group.agreement.mean(), "seeds": len(group),
                     "run": f"results/photos_{key[0]}_impure"})  # fmt: skip
    return pd.DataFrame(rows).round(4)


@exit_status
def main() -> None:
    """Write the table if it is not there: it needs the weights of all seeds, see `make.py --weights`."""
    write_missing(RESULTS / "tables" / "photos_strangers.csv", lambda: table(RESULTS))


if __name__ == "__main__":
    sys.exit(main())
