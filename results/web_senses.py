"""What the components of web queries hold and rank: tables/web_components.csv and web_map.csv.

    python results/web_senses.py

Web images are told by ImageNet's names for what the backbone takes them for; none is shown.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from missing import write_missing
from sklearn.manifold import TSNE
from torch import Tensor
from web_queries import sample

from s2m import Descriptors, describe_photos, load_backbone, load_photos, load_split
from s2m.ending import exit_status
from s2m.layer import RelevanceNet
from s2m.models import VariancePrior, fit_mixture
from s2m.runs import load_network

RESULTS = Path(__file__).parent
RUN = RESULTS / "photos_grocery_store_impure" / "s2m-gmm2" / "seed-0"
SENSES = ("orange/top", "raspberry/top", "trash/top", "glass/top", "metal/top")
MAPPED = ("orange/top", "raspberry/top")
FIRST, NAMES = 20, 5  # images of a ranking that are looked at, and names that are told


def common(names: Iterable[str]) -> str:
    """The commonest names with their counts."""
    counts = pd.Series(list(names)).value_counts()
    counts = counts.sort_index().sort_values(ascending=False, kind="stable")  # ties in alphabetical order
    return ", ".join(f"{count} {name}" for name, count in counts.head(NAMES).items())


def prior_of(values: Tensor) -> VariancePrior:
    """That of the trained network, results/photos.toml."""
    return VariancePrior(1.0, 1 / values.shape[1])


def components(
    web: Descriptors, values: Tensor, shown: np.ndarray, names: np.ndarray, searched: Tensor
) -> pd.DataFrame:
    """A row a component of two: how many images, the mean place in the search, what they show, and what it ranks first.

    shown: (M,) what the backbone takes each web image for. names, searched: class and descriptor of what is ranked.
    """
    rows = []
    for name in SENSES:
        chosen = np.flatnonzero(web.labels == web.classes.index(name))
        x = values[torch.from_numpy(chosen)][None]
        density = fit_mixture(x, 2, prior=prior_of(values))
        held = density.responsibilities(x)[0].argmax(1).numpy()
        joint = density.log_joint(searched)[0]
        for number in np.argsort(-np.bincount(held, minlength=2)):  # the larger one first
            first = joint[:, number].argsort(descending=True)[:FIRST].numpy()
            mine = chosen[held == number]
            rows.append({"query": name.split("/")[0], "component": len(rows) % 2 + 1, "images": len(mine),
                         "place": round(web.ranks[mine].mean(), 1), "holds": common(shown[mine]),  # type: ignore[index]
                         "ranks": common(names[first])})  # fmt: skip
    return pd.DataFrame(rows)


def plane(web: Descriptors, values: Tensor, groceries: Descriptors, others: Tensor) -> pd.DataFrame:
    """t-SNE of the images of a query and of the Grocery Store's test classes: a row an image."""
    tables = []
    for name in MAPPED:
        x = values[torch.from_numpy(web.labels == web.classes.index(name))]
        held = fit_mixture(x[None], 2, prior=prior_of(values)).responsibilities(x[None])[0].argmax(1).numpy()
        larger = np.bincount(held, minlength=2).argmax()
        places = TSNE(init="pca", random_state=0, n_jobs=1).fit_transform(torch.cat([x, others]).numpy())
        kinds = np.where(held == larger, "component 1", "component 2").tolist()
        kinds += [groceries.classes[label] for label in groceries.labels]
        tables.append(pd.DataFrame({"query": name.split("/")[0], "what": kinds, "x": places[:, 0], "y": places[:, 1]}))
    return pd.concat(tables).round(1)


@torch.no_grad()
def searched(network: RelevanceNet) -> tuple[np.ndarray, Tensor]:
    """Class and descriptor of every test image of the three collections."""
    backbone, names, values = load_backbone(), [], []
    for name in ("flowers102", "caltech101", "grocery_store"):
        found = describe_photos(load_photos(name), backbone).select(load_split(name, "test"))
        names += [found.classes[label] for label in found.labels]
        values.append(network.describe(torch.from_numpy(found.values)))
    return np.array(names), torch.cat(values)


@torch.no_grad()
def taken_for(web: Descriptors) -> np.ndarray:
    """The class of ImageNet that the backbone takes every web image for."""
    from torchvision.models import EfficientNet_B0_Weights  # weights of another network: only the 1000 names are used

    backbone = load_backbone()
    features = describe_photos(load_photos("google_web"), backbone)
    place = {file: index for index, file in enumerate(features.files)}
    outputs = backbone.classify(torch.from_numpy(features.values[[place[file] for file in web.files]]))
    return np.array(EfficientNet_B0_Weights.DEFAULT.meta["categories"])[outputs.argmax(1).numpy()]


@exit_status
def main() -> None:
    """Write the tables that are not there; that of components needs the photographs."""
    web, values = sample(RESULTS, "google_web")
    groceries, others = sample(RESULTS, "grocery_store")
    tables = {
        "web_components": lambda: components(web, values, taken_for(web), *searched(load_network(RUN))),
        "web_map": lambda: plane(web, values, groceries, others),
    }
    for name, make in tables.items():
        write_missing(RESULTS / "tables" / f"{name}.csv", make)


if __name__ == "__main__":
    sys.exit(main())
