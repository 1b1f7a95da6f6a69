"""Judge the descriptors of photographs as they come from the backbone, by every relevance: results/photos_prelearned/.

One file a collection and layer: the paper's descriptors are a network's outputs, the features below them are stronger;
centred, they lie about the origin; their first 128 principal components have the size of a learned descriptor, and so
has a random projection, which is what a head begins with. Nothing is learned; a density's prior is chosen on the
validation classes. A file that is there is left alone.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
import torch
from make import PHOTO_SEEDS
from torch import nn
from tqdm import tqdm

from s2m.config import PHOTOS, Config
from s2m.ending import exit_status
from s2m.layer import RelevanceNet
from s2m.models import VariancePrior
from s2m.problems import PhotoData, PhotoProblem
from s2m.problems.photo_data import load_photo_data
from s2m.relevance import Average, Likelihood, Nearest, Relevance, SupportVectors
from s2m.runs import HEAD_SIZE
from s2m.storage import write_bytes

RESULTS = Path(__file__).parent
COMPONENTS = {"Gauss-PL": 1, "GMM2-PL": 2, "GMM3-PL": 3, "GMM4-PL": 4, "BIC-PL": "bic"}
LAYERS = {
    "features": 2,
    "centred": 2,
    "pca": 2,
    "random": 2,
    "outputs": 5,
}  # and how many of these densities are asked of them, to save an hour
# Strength and variance; the variance in units of 1 / n, what a number of a descriptor of length 1 has on average.
PRIORS = ((0.1, 0.1), (0.3, 0.3), (1, 1), (3, 3), (10, 10), (30, 30), (100, 100))


def recipe(collection: str, layer: str, seed: int) -> Config:
    """The config of a seed's concept sets. noise: so that validation looks at impure sets too."""
    layer = "outputs" if layer == "outputs" else "features"
    return Config(
        task="retrieval", data=collection, embedding="identity", layer=layer, steps=0, examples=20, noise=0.6, seed=seed
    )


def methods(validation: PhotoProblem, densities: int) -> Iterator[tuple[str, str, Relevance]]:
    """Name, prior and relevance of every method, the prior that validates best."""
    yield "NN-PL", "", Nearest()
    yield "SVM-PL", "", SupportVectors()
    yield "AVG-PL", "", Average()
    size = validation.data.parts["test"].values.shape[1]
    for name, components in list(COMPONENTS.items())[:densities]:
        candidates = [Likelihood(components, VariancePrior(nu, tau2 / size)) for nu, tau2 in PRIORS]
        scores = [validation.validate(network(each)) for each in candidates]
        best = scores.index(max(scores))
        yield name, "strength {}, variance {} / n".format(*PRIORS[best]), candidates[best]


def network(relevance: Relevance) -> RelevanceNet:
    """A relevance on descriptors as they are."""
    return RelevanceNet(nn.Identity(), relevance)


def judged(collection: str, layer: str) -> pd.DataFrame:
    """A row a method, seed and test class."""
    configs = [recipe(collection, layer, seed) for seed in PHOTO_SEEDS]
    data = load_photo_data(configs[0])
    problems = [PhotoProblem(config, projected(data, layer, config.seed)) for config in configs]
    rows = [
        each.judge(network(relevance)).assign(method=name, seed=each.config.seed, prior=prior)
        for name, prior, relevance in methods(problems[0], LAYERS[layer])
        for each in problems
    ]
    return pd.concat(rows, ignore_index=True)


def projected(data: PhotoData, layer: str, seed: int) -> PhotoData:
    """The data as a layer has it: less the mean of the training classes, on their components, or on a seed's axes."""
    if layer in ("features", "outputs"):
        return data
    train = data.parts["train"]
    images = train.values[: len(train.labels)]
    mean, axes = images.mean(0), torch.eye(images.shape[1])
    if layer == "pca":
        axes = torch.linalg.svd(images - mean, full_matrices=False).Vh[:HEAD_SIZE]
    elif layer == "random":
        mean = torch.zeros_like(mean)
        axes = torch.randn(HEAD_SIZE, len(mean), generator=torch.Generator().manual_seed(seed))
    parts = {name: replace(part, values=(part.values - mean) @ axes.T) for name, part in data.parts.items()}
    return PhotoData(parts, data.source, {name: ((x - mean) @ axes.T, label) for name, (x, label) in data.web.items()})


@exit_status
def main() -> None:
    """Write the files that are not there."""
    for collection in tqdm(PHOTOS, "pre-learned descriptors", unit="collection"):
        for layer in LAYERS:
            path = RESULTS / "photos_prelearned" / f"{collection}-{layer}.csv"
            if not path.exists():
                write_bytes(path, judged(collection, layer).to_csv(index=False, float_format="%.6g").encode())


if __name__ == "__main__":
    sys.exit(main())
