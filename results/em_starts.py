"""What the start of EM decides: tables/omniglot_em_starts.csv.

    python results/em_starts.py

The published program remembers the mixture of every class and starts EM from it when the class is drawn again. Here the
stored S2M-GMM2 networks meet each test character twice, with other drawings, and the second fit starts in several ways.
All fits run to convergence, so they differ in the maximum that they find, and in how long they take.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from missing import write_missing
from torch import Tensor

from s2m import Mixture, fit_mixture, load_characters, load_run, split_characters
from s2m.ending import exit_status
from s2m.episodes import take
from s2m.evaluation import confidence95, describe_characters, one_rotation_each
from s2m.impure import ConceptSets, ambiguous_sets, judge_sets, noisy_sets
from s2m.relevance import Likelihood, Relevance, Scorer

RESULTS = Path(__file__).parent
RUNS, SEEDS, COMPONENTS = RESULTS / "omniglot_gradient" / "exact", (0, 1, 2), (2, 3, 4)
SAME = 1e-6  # nats: maxima this close are one; EM stops within 1e-10 standard deviations of its maximum


class Fitted(Relevance):
    """Densities that are there already, in the place of sets to fit them to."""

    def __init__(self, density: Mixture) -> None:
        super().__init__()
        self.density = density

    def fit(self, examples: Tensor, weights: Tensor | None = None) -> Scorer:
        """The scorer of all densities, whatever the examples."""
        return self.density.log_prob


def starts(learned: Likelihood, examples: Tensor, others: Tensor, components: int) -> dict[str, Mixture]:
    """The fits to sets (B, N, n), by how EM starts; `others` are other drawings of the same characters."""

    def fit(values: Tensor, **options: object) -> Mixture:
        return fit_mixture(values, components, prior=learned.prior, **options)  # type: ignore[arg-type]

    tries = {f"best of {count}": fit(examples, restarts=count) for count in (1, 4, 16)}
    return tries | {"remembered": fit(examples, start=fit(others))}


def ranked(descriptors: Tensor, density: Mixture, sets: ConceptSets) -> float:
    """Mean average precision of the sets' densities."""
    return float(judge_sets(descriptors, Fitted(density), sets, len(sets.examples))["stepwise"].mean())


def compare(descriptors: Tensor, learned: Likelihood, sets: ConceptSets, components: int) -> list[dict[str, object]]:
    """A row for each way to start: how often it ends highest of all, how far below on average, steps, and mAP."""
    again = sets.examples.copy()
    again[..., 1] = (again[..., 1] + descriptors.shape[1] // 2) % descriptors.shape[1]  # each by another person
    fits = starts(learned, take(descriptors, sets.examples), take(descriptors, again), components)
    heights = {name: density.record.objective[-1] for name, density in fits.items()}
    highest = torch.stack(list(heights.values())).amax(0)
    return [
        {
            "start": name,
            "components": components,
            "best": float((highest - heights[name] < SAME).double().mean()),
            "below": float((highest - heights[name]).mean()),
            "steps": float(density.record.iterations.double().mean()),
            # What is remembered comes from more drawings than the others were given: its ranking is not to be compared.
            "map": np.nan if name == "remembered" else ranked(descriptors, density, sets),
        }
        for name, density in fits.items()
    ]


@torch.no_grad()
def table() -> pd.DataFrame:
    """Means over seeds, with the interval of the mAP."""
    test = one_rotation_each(split_characters(load_characters("omniglot"), part="test"))
    shape, rows = test.images.shape[:2], []
    for seed in SEEDS:
        network = load_run(RUNS / f"seed-{seed}")
        descriptors = describe_characters(network, test)
        for meanings, sets in ((1, noisy_sets(shape, 0)), (2, ambiguous_sets(shape))):
            for components in COMPONENTS:
                found = compare(descriptors, network.relevance, sets, components)
                rows += [{"meanings": meanings, "seed": seed, **row} for row in found]
    keys = ["meanings", "components", "start"]
    groups = pd.DataFrame(rows).drop(columns="seed").groupby(keys, sort=False)
    intervals = groups["map"].agg(lambda values: confidence95(values.to_numpy()))
    return groups.mean().assign(ci95=intervals, seeds=len(SEEDS)).reset_index().round(4)


@exit_status
def main() -> None:
    """Write the table if it is not there."""
    write_missing(RESULTS / "tables" / "omniglot_em_starts.csv", table)


if __name__ == "__main__":
    sys.exit(main())
