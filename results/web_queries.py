"""Web queries, and how far their images are from the collection: tables/web_queries.csv and web_images.csv.

    python results/web_queries.py

Of the judged runs, and of the descriptors in results/samples: no photograph is needed.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from photo_tables import WEB, drawn, precisions
from torch import Tensor
from torch.nn.functional import normalize

from s2m import Descriptors
from s2m.datasets import QUERY_CLASSES
from s2m.ending import exit_status
from s2m.evaluation import confidence95
from s2m.storage import write_bytes

RESULTS = Path(__file__).parent
RUNS = "photos_grocery_store_impure", "grocery_store"  # what is judged by web queries


def sample(results: Path, name: str) -> tuple[Descriptors, Tensor]:
    """Descriptors that come with the book, and their values at length 1, (M, n)."""
    found = Descriptors.load(results / "samples" / f"{name}.npz")
    return found, normalize(torch.from_numpy(found.values), dim=1)


def queries(results: Path) -> pd.DataFrame:
    """A row a method, filter and query: average precision; "examples" in place of a filter are 20 of the class."""
    asked, rows = {name: query for query, name in QUERY_CLASSES.items()}, []
    for kind in (*WEB, "examples"):
        measure = "clean" if kind == "examples" else f"web {kind}"
        for method, _, found in precisions(results, *RUNS, measure):
            found = drawn(found[found["class"].isin(asked)].dropna(subset="stepwise"), method, measure)
            for name, group in found.groupby("class"):
                rows.append({"method": method, "filter": kind, "query": asked[name], "ap": group.stepwise.mean(),
                             "ci95": confidence95(group.stepwise), "seeds": len(group)})  # fmt: skip
    return pd.DataFrame(rows).round(4)


def images(results: Path) -> pd.DataFrame:
    """A row a web image of a query for a class of the collection.

    place: in the search, from 1. alike: mean cosine to the images of the class. others: to the other classes'.
    shows: its descriptor is nearer to the mean of the class than to that of any other test class.
    """
    groceries, values = sample(results, "grocery_store")
    web, web_values = sample(results, "google_web")
    means = normalize(
        torch.stack([values[groceries.labels == i].mean(0) for i in range(len(groceries.classes))]), dim=1
    )
    tables = []
    for query, name in QUERY_CLASSES.items():
        concept = groceries.classes.index(name)
        own = torch.from_numpy(groceries.labels == concept)
        for kind in WEB:
            chosen = np.flatnonzero(web.labels == web.classes.index(f"{query}/{kind}"))
            x = web_values[torch.from_numpy(chosen)]
            tables.append(pd.DataFrame({
                "query": query, "filter": kind, "place": web.ranks[chosen].argsort().argsort() + 1,  # type: ignore[index]
                "alike": (x @ values[own].T).mean(1), "others": (x @ values[~own].T).mean(1),
                "shows": (x @ means.T).argmax(1) == concept,
            }))  # fmt: skip
    return pd.concat(tables, ignore_index=True).round(3)


@exit_status
def main() -> None:
    """Write both tables."""
    for name, table in (("web_queries", queries(RESULTS)), ("web_images", images(RESULTS))):
        write_bytes(RESULTS / "tables" / f"{name}.csv", table.to_csv(index=False).encode())


if __name__ == "__main__":
    sys.exit(main())
