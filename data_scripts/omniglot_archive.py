"""Omniglot's archives: every drawing read and checked, shrunk to 28 x 28, and a hash of them all."""

import hashlib
import io
import re
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
from archives import require_inside
from PIL import Image
from tqdm import tqdm

from s2m.errors import S2MError

SIDE, SMALL = 105, 28
CURE = "delete the archive and run again without --source to fetch it anew"
BROKEN = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error)  # what Pillow raises on a damaged PNG
Drawings = dict[str, np.ndarray]  # "Alphabet/characterNN" -> (drawings, 105, 105) bool, ink = True


def read_archive(path: Path, characters: int, drawings: int) -> Drawings:
    """All drawings of one archive, read without unpacking it to the disk.

    characters, drawings: how many the archive must hold, and how many of each.
    Raises S2MError for an archive that is damaged or holds anything else.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            groups = _members(path, archive.namelist())
            if len(groups) != characters:
                raise S2MError(f"{path} holds {len(groups)} characters instead of {characters}: {CURE}")
            found: Drawings = {}
            progress = tqdm(groups.items(), f"reading {path.name}", unit=" characters", leave=False, disable=None)
            for character, members in progress:
                if len(set(members)) != drawings or len(members) != drawings:
                    raise S2MError(f"{path} holds {len(members)} drawings of {character} instead of {drawings}: {CURE}")
                found[character] = np.stack([_decode(archive.read(name), path, name) for name in sorted(members)])
            return found
    except (OSError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        raise S2MError(f"{path} is not a whole zip archive ({error}): {CURE}") from error


def _members(path: Path, names: list[str]) -> dict[str, list[str]]:
    """The names of all drawings by character: images_x/Alphabet/characterNN/NNNN_NN.png -> Alphabet/characterNN."""
    groups: dict[str, list[str]] = {}
    for name in names:
        require_inside(path, name, CURE)
        if not name.endswith(".png") or name.startswith("__MACOSX/"):
            continue
        parts = re.fullmatch(re.escape(path.stem) + r"/([^/]+/character\d+)/\d+_\d+\.png", name)
        if parts is None:
            raise S2MError(f"{path} holds {name!r}, not {path.stem}/Alphabet/characterNN/NNNN_NN.png: {CURE}")
        groups.setdefault(parts[1], []).append(name)
    return groups


def _decode(data: bytes, path: Path, member: str) -> np.ndarray:
    """A PNG as (105, 105) bool, ink = True (the files draw black on white)."""
    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
            if image.size != (SIDE, SIDE):
                raise S2MError(f"{member} in {path} is {image.size} pixels instead of {SIDE} x {SIDE}: {CURE}")
            return ~np.asarray(image.convert("1"))
    except S2MError:
        raise
    except (Image.DecompressionBombError, *BROKEN) as error:
        raise S2MError(f"{member} in {path} is not a whole PNG ({error}): {CURE}") from error


def shrink(images: np.ndarray) -> np.ndarray:
    """(D, 105, 105) bool -> (D, 28, 28) uint8: the share of ink in the area that each small pixel covers.

    A small pixel is 105 / 28 = 15 / 4 pixels wide. In units of a quarter pixel every overlap is a whole number, so
    the sums below are whole numbers under 2^24: exact in float32, hence the same bytes on every machine.
    """
    small, large = np.arange(SMALL)[:, None] * SIDE, np.arange(SIDE)[None, :] * SMALL  # left edges
    overlap = np.minimum(small + SIDE, large + SMALL) - np.maximum(small, large)
    weights = (np.clip(overlap, 0, None) // np.gcd(SIDE, SMALL)).astype(np.float32)  # (28, 105)
    ink = weights @ images.astype(np.float32) @ weights.T
    whole = int(weights[0].sum()) ** 2
    return ((ink.astype(np.int64) * 255 + whole // 2) // whole).astype(np.uint8)


def pixel_digest(drawings: Drawings) -> str:
    """sha256 (hex) of the decoded drawings in the order of their names, one byte a pixel, ink = 1."""
    total = hashlib.sha256()
    for character in sorted(drawings):
        total.update(np.ascontiguousarray(drawings[character]).astype(np.uint8).data)
    return total.hexdigest()
