"""Draw `orange.jpg`: what the two components of the query "orange" rank first, as pictures of the Grocery Store set.

    python book/figures/orange.py    # needs the set grocery_store

A row a component, the larger one first, then the mixture; green: an orange, magenta: anything else.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch.nn.functional import normalize

from s2m import Descriptors, VariancePrior, fit_mixture, load_photos
from s2m.images import read_photo
from s2m.storage import write_bytes

HERE = Path(__file__).resolve().parent
SAMPLES = HERE.parents[1] / "results" / "samples"
GREEN, MAGENTA = "#2ca25f", "#cc5fa3"
COLUMNS, SIDE, FRAME = 10, 92, 4  # pictures a row; pixels


def rankings() -> tuple[Descriptors, list[torch.Tensor]]:
    """The collection, and places in it, the best first, of each component and of the mixture."""
    web, groceries = (Descriptors.load(SAMPLES / f"{name}.npz") for name in ("google_web", "grocery_store"))
    values = normalize(torch.from_numpy(web.values[web.labels == web.classes.index("orange/top")]), dim=1)[None]
    density = fit_mixture(values, 2, prior=VariancePrior(1.0, 1 / values.shape[2]))
    joint = density.log_joint(normalize(torch.from_numpy(groceries.values), dim=1))[0]
    components = [joint[:, number] for number in density.weights[0].argsort(descending=True)]
    return groceries, [scores.argsort(descending=True)[:COLUMNS] for scores in (*components, joint.logsumexp(1))]


def main() -> None:
    """Rank, read the pictures, and write the montage beside this file."""
    groceries, rows = rankings()
    photos = load_photos("grocery_store")
    place = {file: index for index, file in enumerate(photos.files)}
    montage = Image.new("RGB", (COLUMNS * SIDE, len(rows) * SIDE))
    for y, row in enumerate(rows):
        for x, index in enumerate(row.tolist()):
            name = groceries.files[index]
            photo = ImageOps.fit(read_photo(photos.read(place[name]), name), (SIDE - 2 * FRAME,) * 2)
            hit = groceries.classes[np.asarray(groceries.labels)[index]] == "Orange"
            montage.paste(ImageOps.expand(photo, FRAME, GREEN if hit else MAGENTA), (x * SIDE, y * SIDE))
    buffer = io.BytesIO()
    montage.save(buffer, "JPEG", quality=85)
    write_bytes(HERE / "orange.jpg", buffer.getvalue())


if __name__ == "__main__":
    main()
