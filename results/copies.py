"""How many web images show a picture of the searched collection again: tables/web_copies.csv.

python results/copies.py    # needs the sets google_web and grocery_store, and some minutes
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from missing import write_missing

from s2m import describe_photos, load_backbone, load_photos
from s2m.datasets import ImageSet
from s2m.descriptors import Descriptors
from s2m.duplicates import find_repeats, hash_photos
from s2m.ending import exit_status
from s2m.images import read_photo
from s2m.reading import read_ahead

RESULTS = Path(__file__).parent


def hashes(images: ImageSet, described: Descriptors) -> np.ndarray:
    """Perceptual hashes (M, 64) of the images that are described."""
    places = {file: index for index, file in enumerate(images.files)}

    def read(index: int) -> np.ndarray:
        return hash_photos([read_photo(images.read(index), images.files[index])])[0]

    return np.stack([each for _, each in read_ahead(read, [places[file] for file in described.files])])  # type: ignore


def table(web: tuple[np.ndarray, Descriptors], collection: tuple[np.ndarray, Descriptors]) -> pd.DataFrame:
    """A row a test: how many of the web images it takes for a picture of the collection."""
    tests = {"hash": {"cosine": -1.0}, "descriptor": {"bits": 64}, "both": {}}  # what nothing fails is no test
    rows = []
    for name, bounds in tests.items():
        found = find_repeats(web[0], web[1].values, collection[0], collection[1].values, **bounds).found
        rows.append({"test": name, "found": found.sum(), "images": len(found), "searched": len(collection[1])})
    return pd.DataFrame(rows)


def compared() -> pd.DataFrame:
    """Hash and describe both sets, and compare them."""
    backbone, described = load_backbone(), []
    for name in ("google_web", "grocery_store"):
        images = load_photos(name)
        features = describe_photos(images, backbone)
        described.append((hashes(images, features), features))
    return table(*described)


@exit_status
def main() -> None:
    """Write the table if it is not there."""
    write_missing(RESULTS / "tables" / "web_copies.csv", compared)


if __name__ == "__main__":
    sys.exit(main())
