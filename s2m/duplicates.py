"""Near-duplicates: which web images show again an image of the collection that they are to search.

A web set that holds an image of the collection is told the answer, so the paper removed such images. Two tests must
agree here, since each alone takes many images for others: a perceptual hash sees layout and no meaning, a descriptor
sees meaning and little layout. `python bench/duplicates.py` measures both.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from s2m.errors import S2MError

# Hashes of unrelated images differ in 32 bits of 64, with a standard deviation of 4: this is 4 of them below.
# A copy that lost 3 % at each of its four sides stays within, but for 3 in 1000, one that lost 5 % but for 8 in 100.
BITS = 16
# For EfficientNet-Lite0, where 97 % of the copies scaled to 0.6 of an already small side, 144 pixels, are above; of
# two photographs with one subject some are too, which is why this test must not stand alone.
COSINE = 0.75
CHUNK = 256  # web images compared at once: with a collection of 100,000 images, some 100 MB a table


@dataclass(frozen=True, eq=False)
class Repeats:
    """For each of M web images the closest image of the collection, and whether it is the same picture."""

    found: np.ndarray  # (M,) bool: the web image repeats that image
    image: np.ndarray  # (M,) int64: the closest image of those that pass both tests; where none does, of all
    bits: np.ndarray  # (M,) int64 in 0..64: how many bits of the two hashes differ
    cosine: np.ndarray  # (M,) float32 in [-1, 1], of the two descriptors


def hash_photos(photos: Iterable[Image.Image]) -> np.ndarray:
    """Perceptual hashes of M photographs, (M, 64) bool: the signs of the 8 x 8 lowest frequencies of the grey image.

    Scaling and compression change few of them, cropping and turning change many. Equal bits are no proof: all images
    of one flat colour have one hash.

    Raises S2MError where the package imagehash is missing.

    >>> from PIL import Image
    >>> photo = Image.effect_mandelbrot((160, 120), (-2, -1.2, 0.7, 1.2), 50)
    >>> hashes = hash_photos([photo, photo.resize((90, 60)), photo.rotate(90)])
    >>> hashes.shape, (hashes[0] != hashes).sum(axis=1) <= BITS
    ((3, 64), array([ True,  True, False]))
    """
    try:
        import imagehash
    except ImportError as error:
        raise S2MError("the package imagehash is missing: pip install 's2m[web]'") from error
    hashes = [imagehash.phash(photo).hash.ravel() for photo in photos]
    return np.array(hashes, dtype=bool).reshape(len(hashes), 64)


def find_repeats(
    web_hashes: np.ndarray,
    web_descriptors: np.ndarray,
    hashes: np.ndarray,
    descriptors: np.ndarray,
    *,
    bits: int = BITS,
    cosine: float = COSINE,
) -> Repeats:
    """Which web images are near-duplicates of which images of a collection: hash **and** descriptor must be close.

    web_hashes, hashes: (M, 64) and (N, 64) bool, from `hash_photos`.
    web_descriptors, descriptors: (M, n) and (N, n), pooled features of one network, normalised here.
    bits: how many bits may differ at most. cosine: how large it must be at least; another network than
    EfficientNet-Lite0 wants another threshold.

    A mirrored copy is not found, nor, mostly, one that lost a tenth at each side.
    Raises S2MError for an empty collection, shapes that do not fit, or descriptors that are not finite.

    >>> hashes = np.eye(3, 64, dtype=bool)
    >>> descriptors = np.eye(3)
    >>> repeats = find_repeats(hashes[2:], [[0.1, 0, 1]], hashes, descriptors)
    >>> repeats.found, repeats.image, repeats.bits, repeats.cosine.round(2)
    (array([ True]), array([2]), array([0]), array([1.], dtype=float32))
    """
    web_hashes, web_descriptors = _checked(web_hashes, web_descriptors, "web images")
    hashes, descriptors = _checked(hashes, descriptors, "images of the collection")
    if not len(hashes):
        raise S2MError("the collection has no images: give at least one")
    if web_descriptors.shape[1] != descriptors.shape[1]:
        raise S2MError(
            f"descriptors of {web_descriptors.shape[1]} and of {descriptors.shape[1]} numbers cannot be compared: "
            "describe both sets by one network"
        )
    parts = [
        _closest(web_hashes[i : i + CHUNK], web_descriptors[i : i + CHUNK], hashes, descriptors, bits, cosine)
        for i in range(0, max(len(web_hashes), 1), CHUNK)  # one empty part for an empty set
    ]
    return Repeats(*map(np.concatenate, zip(*parts)))


def _checked(hashes: np.ndarray, descriptors: np.ndarray, what: str) -> tuple[np.ndarray, np.ndarray]:
    """Both as float32, the descriptors at length 1."""
    hashes, descriptors = np.asarray(hashes), np.asarray(descriptors, dtype=np.float32)
    if hashes.ndim != 2 or hashes.shape[1] != 64 or hashes.dtype != bool:
        raise S2MError(f"the hashes of the {what} are {hashes.dtype} {hashes.shape}: give bool (M, 64)")
    if descriptors.ndim != 2 or len(descriptors) != len(hashes):
        raise S2MError(f"{len(hashes)} hashes and descriptors {descriptors.shape} of the {what}: give one row an image")
    if not np.isfinite(descriptors).all():
        raise S2MError(f"a descriptor of the {what} is not finite: leave that image out")
    lengths = np.linalg.norm(descriptors, axis=1, keepdims=True)
    return hashes.astype(np.float32), descriptors / np.where(lengths == 0, 1, lengths)  # zeros stay: cosine 0


def _closest(
    web_hashes: np.ndarray,
    web_descriptors: np.ndarray,
    hashes: np.ndarray,
    descriptors: np.ndarray,
    bits: int,
    cosine: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The fields of `Repeats` for a few web images: (m, 64) and (m, n) against (N, 64) and (N, n)."""
    differ = web_hashes @ (1 - hashes).T + (1 - web_hashes) @ hashes.T  # (m, N), whole numbers: exact
    alike = web_descriptors @ descriptors.T  # (m, N)
    same = (differ <= bits) & (alike >= cosine)
    found = same.any(axis=1)
    image = np.where(same | ~found[:, None], alike, -np.inf).argmax(axis=1)
    rows = np.arange(len(image))
    return found, image, differ[rows, image].astype(np.int64), alike[rows, image]
