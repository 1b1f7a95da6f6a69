"""Judge stored runs by concept sets with foreign drawings and with two meanings: tables/omniglot_robustness*.csv.

    python results/robustness.py

Nothing is trained. The set models are compared twice, each in the features that were learned for it, and all of them in
one embedding, that of AVG-FT, which no density has trained. What is free there, the prior of a density or the C of an
SVM, is chosen first, on validation characters. Where the tables are there nothing is done; delete one to make all anew.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from sklearn.metrics import adjusted_rand_score
from torch import Tensor

from s2m import Mixture, VariancePrior, load_characters, load_run, split_characters
from s2m.datasets import Characters
from s2m.embeddings import as_images
from s2m.ending import exit_status
from s2m.episodes import generator, take
from s2m.evaluation import confidence95, describe_characters, one_rotation_each
from s2m.impure import ConceptSets, ambiguous_sets, judge_sets, noisy_sets
from s2m.layer import RelevanceNet
from s2m.relevance import Average, Likelihood, Nearest, Relevance, SupportVectors
from s2m.relevance.likelihood import Components
from s2m.storage import write_bytes

RESULTS = Path(__file__).parent
SEEDS = range(5)
OWN = {
    "S2M-Gauss": "omniglot_retrieval/s2m-gauss", "S2M-GMM2": "omniglot_retrieval/s2m-gmm2",
    "AVG-FT": "omniglot_retrieval/avg-ft", "NN-FT": "omniglot_retrieval/nn-ft",
}  # fmt: skip
COMMON = "AVG-FT"
DENSITIES: dict[str, Components] = {"Gauss": 1, "GMM2": 2, "GMM3": 3, "GMM4": 4, "BIC": "bic"}
STRENGTHS, VARIANCES, COSTS = (0.3, 1.0, 3.0, 10.0), (0.001, 0.003, 0.01, 0.03, 0.1), (0.01, 0.1, 1.0, 10.0)
NEGATIVES = 20  # of the SVM, random training drawings: twice as many as examples, as published
Families = dict[tuple[int, int], ConceptSets]  # by (meanings, foreign)


def families(characters: Characters, foreign: tuple[int, ...], stream: str) -> Families:
    """Sets of ten examples: of one meaning with so many foreign drawings, and of two meanings."""
    shape = characters.images.shape[0], characters.images.shape[1]
    return {(1, count): noisy_sets(shape, count, stream=stream) for count in foreign} | {
        (2, 0): ambiguous_sets(shape, stream=stream)
    }


def candidates() -> pd.DataFrame:
    """What may be chosen for the common embedding: a row a method and setting; AVG and NN have none."""
    rows: list[dict[str, object]] = [
        {"method": name, "strength": strength, "variance": variance}
        for name in DENSITIES for strength in STRENGTHS for variance in VARIANCES
    ]  # fmt: skip
    return pd.DataFrame([*rows, *({"method": "SVM", "C": cost} for cost in COSTS), {"method": "AVG"}, {"method": "NN"}])


def build(setting: pd.Series, negatives: Tensor) -> Relevance:
    """The relevance of a candidate."""
    if setting.method in DENSITIES:
        return Likelihood(DENSITIES[setting.method], VariancePrior(setting.strength, setting.variance))
    return {"AVG": Average, "NN": Nearest}.get(setting.method, lambda: SupportVectors(negatives, setting.C))()


def choose(networks: list[RelevanceNet], validation: Characters, negatives: list[Tensor]) -> pd.DataFrame:
    """Candidates with their `map`, averaged over seeds and over sets clean, a little noisy, noisy, and of two meanings.

    The best of each method is marked `chosen`.
    """
    sets, table, scores = families(validation, (0, 3, 6), "validation"), candidates(), []
    for network, foreign in zip(networks, negatives):
        descriptors = describe_characters(network, validation)
        scores.append([
            np.mean([judge_sets(descriptors, build(row, foreign), one)["stepwise"].mean() for one in sets.values()])
            for _, row in table.iterrows()
        ])  # fmt: skip
    table["map"] = np.mean(scores, 0)
    table["chosen"] = table.groupby("method")["map"].transform("idxmax") == table.index
    return table.assign(map=table["map"].round(4))


def draw_negatives(network: RelevanceNet, train: Characters, seed: int) -> Tensor:
    """Descriptors of random drawings of random training characters, (NEGATIVES, n)."""
    rng = generator(seed, "negatives", 0)
    pairs = np.stack([rng.integers(size, size=NEGATIVES) for size in train.images.shape[:2]], -1)
    with torch.no_grad():
        return network.describe(as_images(torch.from_numpy(take(train.images, pairs))))


def parting(density_of: Callable[[Tensor], Mixture], descriptors: Tensor, sets: ConceptSets) -> dict[str, float]:
    """How a mixture divides its examples: share of sets in which no Gaussian holds drawings of the concept and others,
    mean adjusted Rand index against the characters, and shares of sets with 1 to 4 Gaussians."""
    examples = take(descriptors, sets.examples)
    density = density_of(examples)
    held = density.responsibilities(examples).argmax(-1).numpy()
    truth, concept = sets.examples[..., 0], np.arange(len(held))[:, None]
    pure = [not set(row[own]) & set(row[~own]) for row, own in zip(held, truth == concept)]
    used = (density.weights > 0).sum(1).numpy()
    rand = np.mean([adjusted_rand_score(one, other) for one, other in zip(truth, held)])
    return {"parted": np.mean(pure), "rand_index": rand, **{f"chose_{k}": np.mean(used == k) for k in (1, 2, 3, 4)}}


def judge_all(
    networks: dict[str, list[RelevanceNet]], test: Characters, negatives: list[Tensor], chosen: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """One row a seed, method and kind of set: average precision of all, and how the mixtures part their examples."""
    sets, scores, parted = families(test, tuple(range(7)), "test"), [], []
    for name, runs in networks.items():
        for seed, network in enumerate(runs):
            descriptors = describe_characters(network, test)
            methods = {("own", name): network.relevance}
            if name == COMMON:
                methods |= {(COMMON, row.method): build(row, negatives[seed]) for _, row in chosen.iterrows()}
            for (features, method), relevance in methods.items():
                for (meanings, foreign), one in sets.items():
                    label = {"features": features, "method": method, "meanings": meanings, "foreign": foreign}
                    found = {key: values.mean() for key, values in judge_sets(descriptors, relevance, one).items()}
                    scores.append({**label, "run": f"results/{OWN[name]}", "seed": seed, **found})
                    if isinstance(relevance, Likelihood) and relevance.components != 1:
                        parted.append({**label, "seed": seed, **parting(relevance.density, descriptors, one)})
    return pd.DataFrame(scores), pd.DataFrame(parted)


def summarise(scores: pd.DataFrame) -> pd.DataFrame:
    """Means over seeds with 95 % intervals; and how far a method is ahead of the one Gaussian, seed by seed."""
    keys, rows = ["features", "method", "meanings", "foreign"], []
    gauss = scores[scores.method.isin(["S2M-Gauss", "Gauss"])].set_index(["features", "meanings", "foreign", "seed"])
    for key, group in scores.groupby(keys, sort=False):
        values = group.stepwise.to_numpy()
        ahead = values - [gauss.loc[(key[0], key[2], key[3], seed), "stepwise"] for seed in group.seed]
        rows.append({**dict(zip(keys, key)), "map": values.mean(), "ci95": confidence95(values),
                     "map_trapezoid": group.trapezoid.mean(), "seeds": len(values), "ahead_of_gauss": ahead.mean(),
                     "ahead_ci95": confidence95(ahead), "run": group.run.iloc[0]})  # fmt: skip
    return pd.DataFrame(rows).round(4)


@exit_status
def main() -> None:
    """Choose, judge, and write the tables that are missing."""
    places = {name: RESULTS / "tables" / f"omniglot_robustness{name}.csv" for name in ("", "_choice", "_parting")}
    if all(path.exists() for path in places.values()):
        return
    characters = load_characters("omniglot")
    parts = {part: split_characters(characters, part=part) for part in ("train", "validation", "test")}
    networks = {name: [load_run(RESULTS / run / f"seed-{seed}") for seed in SEEDS] for name, run in OWN.items()}
    train = parts["train"].rotated()
    negatives = [draw_negatives(network, train, seed) for seed, network in enumerate(networks[COMMON])]
    choice = choose(networks[COMMON], one_rotation_each(parts["validation"], stream="validation"), negatives)
    scores, parted = judge_all(networks, one_rotation_each(parts["test"]), negatives, choice[choice.chosen])
    keys = ["features", "method", "meanings", "foreign"]
    parting = parted.groupby(keys, sort=False).mean().drop(columns="seed").round(4).reset_index()
    for name, table in (("_choice", choice), ("_parting", parting), ("", summarise(scores))):
        write_bytes(places[name], table.to_csv(index=False).encode())


if __name__ == "__main__":
    sys.exit(main())
