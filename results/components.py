"""What the components of a mixture hold, and which of them errs: tables/photos_components.csv.

    python results/components.py

Concept sets of the test classes, those of the judged runs, under the S2M-GMM2 heads that learned from impure sets.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from missing import write_missing
from photo_tables import PHOTOS
from torch import Tensor
from weights import all_seeds

from s2m.ending import exit_status
from s2m.evaluation import confidence95
from s2m.impure import average_precisions
from s2m.layer import RelevanceNet
from s2m.problems.photo_data import Part, load_photo_data
from s2m.problems.photo_sets import PhotoSet, draw_sets
from s2m.problems.photos import CONDITIONS, DRAWS, describe
from s2m.runs import load_network, read_run_config

RESULTS = Path(__file__).parent
IMPURE = [name for name in CONDITIONS if name != "clean"]


def judged_sets(part: Part, condition: str, seed: int, size: int) -> list[PhotoSet]:
    """The concept sets that `PhotoProblem.judge` draws."""
    share, meanings = CONDITIONS[condition]
    return draw_sets(seed, "test", DRAWS, part.members, size, share, lambda _: part.strangers, meanings)


def origins(part: Part, found: PhotoSet) -> np.ndarray:
    """(N,) of each example: 0 for the concept, 1 for a foreign image or the second meaning."""
    strange = found.examples >= len(part.labels)
    return np.where(strange, 1, part.labels[np.minimum(found.examples, len(part.labels) - 1)] != found.classes[0])


@torch.no_grad()
def look(network: RelevanceNet, values: Tensor, part: Part, found: PhotoSet) -> dict[str, float]:
    """What the two components of one set do; `second` is the one that holds most of what is not the concept.

    values: (M + F, n), the network's descriptors of the part.
    """
    count = len(part.labels)
    examples = values[torch.from_numpy(found.examples)][None]
    density = network.relevance.density(examples)  # type: ignore[operator]
    holder = density.log_joint(examples)[0].argmax(1).numpy()  # (N,)
    other = origins(part, found) == 1
    second = int(np.bincount(holder[other], minlength=2).argmax())
    joint = density.log_joint(values[:count])[0]  # (M, 2)
    ranked = np.setdiff1d(np.arange(count), found.unranked)
    hit = np.isin(ranked, found.relevant)
    by_second = joint.argmax(1).numpy()[ranked] == second
    first = np.argsort(-joint.logsumexp(1).numpy()[ranked], kind="stable")[: len(found.relevant)]
    wrong = first[~hit[first]]
    alike = (examples[0, torch.from_numpy(other)] @ values[torch.from_numpy(ranked[~hit])].T).max(1).values

    def precision(scores: Tensor) -> float:
        places = (torch.from_numpy(places)[None] for places in (found.relevant, found.unranked))
        return float(average_precisions(scores[None], *places)["stepwise"][0])

    return {
        "parted": float(np.mean((holder == second) == other)),
        "wrong": len(wrong) / len(first),
        "wrong_by_second": by_second[wrong].mean() if len(wrong) else np.nan,
        "irrelevant_by_second": by_second[~hit].mean(),
        "nearest": float(alike.mean()),
        "map": precision(joint.logsumexp(1)),
        "map_first_alone": precision(joint[:, 1 - second]),
        "map_known": precision(network.relevance(examples[:, torch.from_numpy(~other)], values[:count])[0]),
    }


def table(results: Path) -> pd.DataFrame:
    """A row a collection and condition, means over sets and seeds.

    parted: share of examples that the component of their kind holds. wrong: share of irrelevant images in the first R
    of a ranking, R being the number of relevant ones; wrong_by_second: share of these that the second component
    explains best; irrelevant_by_second: the same of all irrelevant images. nearest: cosine of a foreign image, or one
    of the second meaning, to the closest irrelevant image of the collection. map_first_alone: ranked by the first
    component; map_known: by a mixture fitted to the concept's own examples.
    """
    rows = []
    for name in PHOTOS:
        folder = results / f"photos_{name}_impure" / "s2m-gmm2"
        runs = all_seeds(folder)
        part = load_photo_data(read_run_config(runs[0])).parts["test"]
        found = []
        for run in runs:
            network, config = load_network(run), read_run_config(run)
            values = describe(network, part.values)
            found += [
                {"condition": condition, "seed": config.seed, **look(network, values, part, one)}
                for condition in IMPURE
                for one in judged_sets(part, condition, config.seed, config.examples)
            ]
        means = pd.DataFrame(found).groupby(["condition", "seed"], sort=False).mean()
        for condition, group in means.groupby("condition", sort=False):
            label = {"collection": name, "condition": condition, "seeds": len(group)}
            interval = confidence95(group.wrong_by_second.to_numpy())
            rows.append({**label, **group.mean().to_dict(), "wrong_by_second_ci95": interval,
                         "run": folder.relative_to(results.parent).as_posix()})  # fmt: skip
    return pd.DataFrame(rows).round(4)


@exit_status
def main() -> None:
    """Write the table if it is not there: it needs the weights of all seeds, see `make.py --weights`."""
    write_missing(RESULTS / "tables" / "photos_components.csv", lambda: table(RESULTS))


if __name__ == "__main__":
    sys.exit(main())
