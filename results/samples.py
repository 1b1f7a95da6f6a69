"""Descriptors that the chapters on photographs are live on where no photographs are at hand: writes results/samples/.

    python results/samples.py [RUN]

flowers102.npz: pooled features of `EACH` images of some test classes, the network's own, nothing learned.
grocery_store.npz, google_web.npz: what the head of RUN makes of the test classes, and of all web images. They are its
outputs *before* they are brought to length 1; `torch.nn.functional.normalize` does that.
A file that is there is left alone.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from s2m import Descriptors, describe_photos, load_backbone, load_photos, load_split
from s2m.ending import exit_status
from s2m.runs import load_network

RESULTS = Path(__file__).parent
RUN = RESULTS / "photos_grocery_store_impure" / "s2m-gmm2" / "seed-0"
# Chosen by name: open, wheel-shaped flowers, two of them dahlias.
FLOWERS = (
    "blanket flower", "clematis", "japanese anemone", "lotus lotus", "mexican aster", "morning glory", "orange dahlia",
    "pink-yellow dahlia",
)  # fmt: skip
EACH = 40  # what the smallest class of Flowers-102 has


def first_of_each(found: Descriptors, each: int = EACH) -> Descriptors:
    """The first images of every class, at most so many."""
    places = [np.flatnonzero(found.labels == index)[:each] for index in range(len(found.classes))]
    kept = np.sort(np.concatenate(places))
    files = tuple(found.files[index] for index in kept)
    ranks = None if found.ranks is None else found.ranks[kept]
    return replace(found, values=found.values[kept], labels=found.labels[kept], files=files, ranks=ranks)


@torch.no_grad()
def through_head(found: Descriptors, run: Path) -> Descriptors:
    """What the head of a run makes of pooled features: (M, 128), not of length 1."""
    head = load_network(run).embedding
    name = f"{found.backbone}, head of {'/'.join(run.parts[-3:])}"
    return replace(found, values=head(torch.from_numpy(found.values)).numpy(), backbone=name)


def samples(run: Path) -> dict[str, Callable[[], Descriptors]]:
    """How each file comes about."""
    backbone = load_backbone()

    def features(name: str) -> Descriptors:
        return describe_photos(load_photos(name), backbone)

    def groceries() -> Descriptors:
        return features("grocery_store").select(load_split("grocery_store", "test"))

    return {
        "flowers102": lambda: first_of_each(features("flowers102").select(FLOWERS)),
        "grocery_store": lambda: through_head(groceries(), run),
        "google_web": lambda: through_head(features("google_web"), run),
    }


@exit_status
def main() -> None:
    """Write the files that are not there."""
    run = Path(sys.argv[1]) if len(sys.argv) > 1 else RUN
    for name, make in samples(run).items():
        path = RESULTS / "samples" / f"{name}.npz"
        if not path.exists():
            make().save(path)


if __name__ == "__main__":
    sys.exit(main())
