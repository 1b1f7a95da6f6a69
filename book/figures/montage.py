"""Put a photograph of every test class side by side, and take one photograph to follow through a network.

    python book/figures/montage.py

Writes flowers102.jpg, caltech101.jpg, grocery_store.jpg and photo.jpg beside this file, from the packed sets.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from s2m import ImageSet, load_photos, load_split
from s2m.images import read_photo
from s2m.storage import write_bytes

HERE = Path(__file__).resolve().parent
COLUMNS, SIDE, QUALITY = 11, 76, 82  # pixels; a montage is 836 x 152
# The first photograph of a class, or another one where that has writing on it or shows a person.
INSTEAD = {
    "wheelchair": 1, "giant white arum lily": 2, "globe thistle": 2, "airplanes": 4, "ferry": 4, "dalmatian": 6,
}  # fmt: skip
FOLLOWED = "passion flower"  # a validation class


def square(images: ImageSet, index: int) -> Image.Image:
    """The middle of a photograph."""
    photo = read_photo(images.read(index), images.files[index])
    side = min(photo.size)
    left, top = ((length - side) / 2 for length in photo.size)
    return photo.resize((SIDE, SIDE), Image.Resampling.LANCZOS, (left, top, left + side, top + side))


def montage(images: ImageSet) -> Image.Image:
    """A photograph of every class, row after row."""
    rows = -(-len(images.classes) // COLUMNS)
    whole = Image.new("RGB", (COLUMNS * SIDE, rows * SIDE))
    for place, name in enumerate(images.classes):
        chosen = np.flatnonzero(images.labels == place)[INSTEAD.get(name, 0)]
        whole.paste(square(images, chosen), (place % COLUMNS * SIDE, place // COLUMNS * SIDE))
    return whole


def main() -> None:
    """Write the four files."""
    for name in ("flowers102", "caltech101", "grocery_store"):
        images = load_photos(name).select(load_split(name, "test"))
        montage(images).save(HERE / f"{name}.jpg", quality=QUALITY, optimize=True)
    flowers = load_photos("flowers102").select([FOLLOWED])
    write_bytes(HERE / "photo.jpg", flowers.read(0))  # as it is


if __name__ == "__main__":
    main()
