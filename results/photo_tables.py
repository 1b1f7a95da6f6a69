"""Table 1 whole, published and ours: collections of photographs and Omniglot, with methods compared in pairs."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd

from s2m.evaluation import confidence95

TRAINED = {
    "nn-ft": "NN-FT", "avg-ft": "AVG-FT", "gauss-avg-ft": "Gauss-AVG-FT", "gmm2-avg-ft": "GMM2-AVG-FT",
    "s2m-gauss": "S2M-Gauss", "s2m-gmm2": "S2M-GMM2", "s2m-gmm3": "S2M-GMM3", "s2m-gmm4": "S2M-GMM4",
    "s2m-bic": "S2M-BIC", "nn-ft-start": "NN-FT, better start", "avg-ft-start": "AVG-FT, better start",
    "s2m-gauss-start": "S2M-Gauss, better start", "s2m-gmm2-start": "S2M-GMM2, better start",
    "s2m-gauss-prior": "S2M-Gauss, prior of 3", "s2m-gmm2-prior": "S2M-GMM2, prior of 3",
    "s2m-gauss-start-prior": "S2M-Gauss, better start, prior of 3",
    "s2m-gmm2-start-prior": "S2M-GMM2, better start, prior of 3",
}  # fmt: skip
PHOTOS = {"flowers102": "flowers102", "caltech101": "imagenet", "grocery_store": "rgbd_object"}  # ours, and published
IMPURE = ("30 % foreign", "60 % foreign", "two meanings")
WEB = ("top", "photo", "cartoon")
# What is pre-learned, and how a method's name says so.
LAYERS = {"outputs": "", "features": " (features)", "centred": " (centred)", "pca": " (PCA)", "random": " (random)"}
# What the paper claims, and what an honest comparison asks beyond it: each in front of the other.
PAIRS = (
    ("AVG-FT", "AVG-PL"), ("AVG-FT", "AVG-PL (features)"), ("AVG-FT", "AVG-PL (centred)"), ("AVG-FT", "AVG-PL (PCA)"),
    ("AVG-FT", "AVG-PL (random)"), ("NN-FT", "NN-PL (random)"), ("S2M-Gauss", "Gauss-PL (random)"),
    ("S2M-GMM2", "GMM2-PL (random)"),
    ("NN-FT", "NN-PL"), ("NN-FT", "NN-PL (features)"), ("S2M-Gauss", "Gauss-PL"), ("S2M-Gauss", "Gauss-PL (PCA)"),
    ("S2M-GMM2", "GMM2-PL"), ("S2M-Gauss", "AVG-FT"), ("S2M-Gauss", "Gauss-AVG-FT"), ("S2M-Gauss", "NN-FT"),
    ("S2M-GMM2", "S2M-Gauss"), ("S2M-GMM3", "S2M-Gauss"), ("S2M-GMM4", "S2M-Gauss"), ("S2M-BIC", "S2M-Gauss"),
    ("S2M-GMM2", "S2M-GMM4"), ("S2M-GMM2", "GMM2-AVG-FT"), ("S2M-GMM2", "AVG-FT"), ("S2M-GMM2", "NN-FT"),
    ("AVG-FT, better start", "AVG-FT"), ("S2M-Gauss, better start", "S2M-Gauss"), ("NN-FT, better start", "NN-FT"),
    ("S2M-GMM2, better start", "S2M-GMM2"), ("AVG-FT, better start", "AVG-PL (features)"),
    ("AVG-FT, better start", "AVG-PL (centred)"), ("AVG-FT, better start", "AVG-PL (PCA)"),
    ("AVG-FT, better start", "AVG-PL"), ("S2M-Gauss, better start", "AVG-FT, better start"),
    ("S2M-GMM2, better start", "S2M-Gauss, better start"), ("S2M-GMM2, better start", "AVG-FT, better start"),
    ("S2M-Gauss, prior of 3", "S2M-Gauss"), ("S2M-GMM2, prior of 3", "S2M-GMM2"),
    ("S2M-GMM2, prior of 3", "S2M-Gauss, prior of 3"), ("S2M-GMM2, prior of 3", "AVG-FT"),
    *product(
        ("S2M-Gauss, better start, prior of 3", "S2M-GMM2, better start, prior of 3"),
        ("AVG-FT, better start", "NN-FT, better start", "Gauss-PL", "GMM2-PL", "AVG-PL", "NN-PL"),
    ),
    ("S2M-GMM2, better start, prior of 3", "S2M-Gauss, better start, prior of 3"),
    ("S2M-GMM2, better start, prior of 3", "S2M-GMM2, better start"),
    ("S2M-Gauss, better start, prior of 3", "S2M-Gauss, better start"),
)  # fmt: skip


def collections() -> Iterator[tuple[str, str, str, str]]:
    """Name in the table, experiment of the trained methods, set of photographs, and what is measured.

    Networks that are asked for impure sets were trained with impure ones, as were the published ones; so were those
    that are asked for web queries.
    """
    for name in PHOTOS:
        yield name, f"photos_{name}", name, "clean"
    for name, measure in product(PHOTOS, IMPURE):
        yield f"{name}, {measure}", f"photos_{name}_impure", name, measure
    for kind in WEB:
        yield f"web {kind} to grocery_store", "photos_grocery_store_impure", "grocery_store", f"web {kind}"


def precisions(results: Path, experiment: str, photos: str, measure: str) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """Name, folder and average precisions of every method: a row a seed and class, a column a convention."""
    columns = {f"{measure} {convention}": convention for convention in ("stepwise", "trapezoid")}
    for layer, suffix in LAYERS.items():
        path = results / "photos_prelearned" / f"{photos}-{layer}.csv"
        if path.exists():
            for method, found in pd.read_csv(path).groupby("method", sort=False):
                yield f"{method}{suffix}", path.as_posix(), found.rename(columns=columns)
    for method, label in TRAINED.items():
        folder = results / experiment / method
        found = [pd.read_csv(path).assign(seed=int(path.parent.name[5:])) for path in folder.glob("seed-*/judged.csv")]
        if found:
            yield label, folder.as_posix(), pd.concat(found).rename(columns=columns)


def drawn(found: pd.DataFrame, method: str, measure: str) -> pd.DataFrame:
    """The rows of seeds that differ in what they draw, else of the first.

    A web query is a concept set as it is: where nothing is learned either, only an SVM draws something, its negatives,
    and a random projection.
    """
    same = measure.startswith("web") and "-PL" in method and "SVM" not in method and "random" not in method
    return found[found.seed == found.seed.min()] if same else found


def table1(results: Path, omniglot: pd.DataFrame) -> pd.DataFrame:
    """A row a collection and method: mean average precision over test classes, with its interval over seeds.

    omniglot: the rows of that column, a table of their own.
    """
    published = pd.read_csv(results / "published" / "table1.csv", index_col="model")
    rows = []
    for name, *where in collections():
        for method, folder, found in precisions(results, *where):
            found = drawn(found.dropna(subset="stepwise"), method, where[-1])
            by_seed = found.groupby("seed")[["stepwise", "trapezoid"]].mean()
            figures = published.get(PHOTOS.get(name), pd.Series(dtype=float))
            rows.append({"collection": name, "method": method, "map": round(by_seed.stepwise.mean(), 4),
                         "ci95": round(confidence95(by_seed.stepwise), 4), "seeds": len(by_seed),
                         "map_trapezoid": round(by_seed.trapezoid.mean(), 4), "published": figures.get(method, np.nan),
                         "run": Path(folder).relative_to(results.parent).as_posix()})  # fmt: skip
    return pd.concat([pd.DataFrame(rows), omniglot.assign(collection="omniglot")], ignore_index=True)


def photo_pairs(results: Path) -> pd.DataFrame:
    """A row a collection and pair of methods: how far the first is ahead, with its interval over seeds and classes."""
    rows = []
    for name, *where in collections():
        found = {
            method: table.dropna(subset="stepwise").pivot_table("stepwise", "seed", "class")
            for method, _, table in precisions(results, *where)
        }
        for first, second in PAIRS:
            if first in found and second in found:
                ahead = (found[first] - found[second]).dropna().to_numpy()  # (seeds, classes)
                rows.append({"collection": name, "method": first, "other": second, "ahead": round(ahead.mean(), 4),
                             "ci95_seeds": round(confidence95(ahead.mean(1)), 4),
                             "ci95_classes": round(confidence95(ahead.mean(0)), 4), "seeds": len(ahead),
                             "classes": ahead.shape[1]})  # fmt: skip
    return pd.DataFrame(rows)
