"""Handwritten characters as one array: what every Omniglot experiment starts from."""

import hashlib
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from s2m.errors import S2MError

PACKED_NAME = "omniglot-28.npz"

# Content of the right packed file (see `digest`): 1623 characters, 20 drawings each, 28 x 28.
PACKED_SHA256 = "2bbdf7285f16834e2cbb623e0b08f595b0117794dc563561111fd0564b3f077c"


@dataclass(frozen=True, eq=False)
class Characters:
    """Classes of handwritten characters, every class with the same number of drawings.

    images: (C, D, H, W) uint8, H = W, ink = 255 on 0: D drawings of each of C characters.
    names: C different names, "Alphabet/characterNN".
    source: where the drawings come from; print it wherever a number made from them is shown.

    >>> import numpy as np
    >>> letters = Characters(np.zeros((2, 3, 28, 28), np.uint8), ("Latin/character01", "Latin/character02"), "example")
    >>> letters.select(["Latin/character02"]).images.shape
    (1, 3, 28, 28)
    >>> letters.rotated().names[-1]
    'Latin/character02@270'
    """

    images: np.ndarray
    names: tuple[str, ...]
    source: str

    def __post_init__(self) -> None:
        shape = self.images.shape
        if self.images.dtype != np.uint8 or len(shape) != 4 or shape[2] != shape[3]:
            raise S2MError(
                f"images are {self.images.dtype} {shape}: give uint8 of shape (characters, drawings, side, side)"
            )
        if len(self.names) != len(self.images):
            raise S2MError(f"{len(self.images)} characters but {len(self.names)} names: give one name per character")
        if len(set(self.names)) != len(self.names):
            raise S2MError("two characters share a name: give every character a name of its own")

    def __len__(self) -> int:
        return len(self.names)

    def select(self, names: Iterable[str]) -> "Characters":
        """The characters of these names, in the order asked for. Raises S2MError for a name that is not there."""
        names = tuple(names)
        place = {name: index for index, name in enumerate(self.names)}
        missing = [name for name in names if name not in place]
        if missing:
            raise S2MError(
                f"{len(missing)} of {len(names)} characters are not in {self.source}, the first is {missing[0]!r}: "
                "choose among its `names`"
            )
        return Characters(self.images[[place[name] for name in names]], names, self.source)

    def rotated(self) -> "Characters":
        """Every character at 0, 90, 180 and 270 degrees as a class of its own: (4C, D, H, H).

        First all characters as they are ("name@0"), then all of them turned counter-clockwise by 90 degrees
        ("name@90"), and so on. The paper draws training and test characters from such classes.
        """
        images = np.concatenate([np.rot90(self.images, turns, axes=(2, 3)) for turns in range(4)])
        names = tuple(f"{name}@{90 * turns}" for turns in range(4) for name in self.names)
        return Characters(images, names, self.source)


def read_packed(path: Path, sha256: str | None = None) -> Characters:
    """Read a packed file, and refuse one that is damaged or holds anything but the set expected.

    sha256: the content expected, as `digest` gives it; by default that of Omniglot.
    """
    cure = f"delete {path} and run `make data` again"
    if not zipfile.is_zipfile(path):
        raise S2MError(f"{path} is truncated or no packed file at all: {cure}")
    try:
        with np.load(path, allow_pickle=False) as packed:
            images, names, carried = packed["images"], tuple(packed["names"].tolist()), str(packed["sha256"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise S2MError(f"{path} cannot be read as packed characters ({error}): {cure}") from error
    if digest(images, names) != carried:
        raise S2MError(f"{path} is damaged, its pixels do not match its own hash: {cure}")
    if carried != (sha256 or PACKED_SHA256):
        raise S2MError(f"{path} is whole but does not hold the expected characters: {cure}")
    return Characters(images, names, "Omniglot")


def digest(images: np.ndarray, names: Iterable[str]) -> str:
    """sha256 (hex) of names and pixels: equal for equal content, whatever file or machine it comes from."""
    text = "\n".join(names)
    total = hashlib.sha256(f"{images.shape} {text}\n".encode())
    total.update(np.ascontiguousarray(images).data)
    return total.hexdigest()
