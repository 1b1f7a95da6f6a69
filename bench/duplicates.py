"""How often copies of an image are found, and other images taken for copies: by hash, by descriptor, and by both.

    python bench/duplicates.py    # needs the sets google_web and grocery_store, and some 10 minutes

The thresholds in s2m/duplicates.py were chosen by what this prints.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Callable, Sequence

import numpy as np
import torch
from PIL import Image
from tqdm import tqdm

from s2m.backbones import Backbone, load_backbone
from s2m.datasets.image_set import ImageSet
from s2m.datasets.photos import load_photos
from s2m.duplicates import BITS, COSINE, hash_photos
from s2m.images import read_photo

BATCH = 32
Described = tuple[np.ndarray, np.ndarray]  # hashes (M, 64) bool, descriptors (M, n) of length 1


def save_again(photo: Image.Image, quality: int = 85) -> Image.Image:
    """The photograph after one more JPEG compression."""
    buffer = io.BytesIO()
    photo.save(buffer, "JPEG", quality=quality)
    return read_photo(buffer.getvalue())


def scale(photo: Image.Image, factor: float) -> Image.Image:
    """The photograph at another size, saved again."""
    size = (round(photo.width * factor), round(photo.height * factor))
    return save_again(photo.resize(size, Image.Resampling.BILINEAR))


def crop(photo: Image.Image, share: float) -> Image.Image:
    """The photograph without this share at each of its four sides, saved again."""
    x, y = round(photo.width * share), round(photo.height * share)
    return save_again(photo.crop((x, y, photo.width - x, photo.height - y)))


COPIES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "JPEG quality 60": lambda photo: save_again(photo, 60),
    "JPEG quality 30": lambda photo: save_again(photo, 30),
    "scaled to 0.6": lambda photo: scale(photo, 0.6),
    "3 % cropped at each side": lambda photo: crop(photo, 0.03),
    "5 % cropped at each side": lambda photo: crop(photo, 0.05),
    "10 % cropped at each side": lambda photo: crop(photo, 0.10),
}


@torch.no_grad()
def describe(photos: Sequence[Image.Image], backbone: Backbone, what: str) -> Described:
    """Both descriptions of M photographs."""
    parts = [
        backbone(torch.stack([backbone.prepare(photo) for photo in photos[start : start + BATCH]])).numpy()
        for start in tqdm(range(0, len(photos), BATCH), what, unit=" batches", leave=False, disable=None)
    ]
    descriptors = np.concatenate(parts)
    return hash_photos(photos), descriptors / np.linalg.norm(descriptors, axis=1, keepdims=True)


def close(left: Described, right: Described) -> dict[str, np.ndarray]:
    """Which of M images are taken for copies of which of N, (M, N) bool, by each test."""
    hashes, others = left[0].astype(np.float32), right[0].astype(np.float32)
    by_hash = hashes @ (1 - others).T + (1 - hashes) @ others.T <= BITS
    by_descriptor = left[1] @ right[1].T >= COSINE
    return {"hash": by_hash, "descriptor": by_descriptor, "both": by_hash & by_descriptor}


def distinct(images: ImageSet, every: int) -> tuple[list[Image.Image], np.ndarray]:
    """Every so many-th image, without byte-identical ones, and their labels."""
    first: dict[bytes, int] = {}
    for index in range(0, len(images), every):
        first.setdefault(images.read(index), index)
    return [read_photo(content, images.files[i]) for content, i in first.items()], images.labels[[*first.values()]]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="How well near-duplicates are told from other images.")
    parser.add_argument("--web", default="google_web", help="set whose classes are query/filter")
    parser.add_argument("--collection", default="grocery_store")
    parser.add_argument("--every", type=int, default=1, help="take every so many-th image alone: faster")
    parser.add_argument("--images", type=int, default=200, help="of each set, to be copied")
    options = parser.parse_args(arguments)
    backbone = load_backbone(fast=True)  # several times as fast, and no threshold here is as fine as the difference
    web = load_photos(options.web)
    web_photos, labels = distinct(web, options.every)
    photos, _ = distinct(load_photos(options.collection), options.every)
    described, collection = describe(web_photos, backbone, "web"), describe(photos, backbone, "collection")

    for name, originals, known in [(options.web, web_photos, described), (options.collection, photos, collection)]:
        chosen = np.unique(np.linspace(0, len(originals) - 1, options.images).astype(int))
        for kind, copy in COPIES.items():
            copies = describe([copy(originals[i]) for i in chosen], backbone, kind)
            found = close(copies, (known[0][chosen], known[1][chosen]))
            shares = ", ".join(f"{test} {100 * each.diagonal().mean():.1f} %" for test, each in found.items())
            print(f"{name}, {kind}: found by {shares}")

    queries = np.array([name.split("/")[0] for name in web.classes])[labels]
    pairs = np.triu(queries[:, None] == queries, 1)
    shares = ", ".join(f"{test} {each[pairs].sum()}" for test, each in close(described, described).items())
    print(f"of {pairs.sum()} pairs of different files of one query, taken for copies: {shares}")
    wrong = ", ".join(f"{test} {each.any(axis=1).sum()}" for test, each in close(described, collection).items())
    print(f"of {len(labels)} web images, taken for copies of one of {len(photos)} images searched: {wrong}")


if __name__ == "__main__":
    main()
