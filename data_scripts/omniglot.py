"""Get Omniglot: fetch its two archives (or take them from a folder), check every drawing, pack all into one file.

    python data_scripts/omniglot.py                       # from the official home into $S2M_DATA, or data/
    python data_scripts/omniglot.py --source FOLDER       # from archives already at hand

Omniglot: B. M. Lake, R. Salakhutdinov, J. B. Tenenbaum, "Human-level concept learning through probabilistic program
induction", Science 350 (2015); MIT licence. 1623 characters of 50 alphabets, each drawn once by 20 people.
"""

import argparse
import hashlib
import io
import os
import re
import sys
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from fetch import fetch
from PIL import Image, UnidentifiedImageError
from storage import written_whole
from tqdm import tqdm

from s2m.datasets.characters import PACKED_NAME, PACKED_SHA256, digest, read_packed
from s2m.errors import S2MError

HOME = "https://github.com/brendenlake/omniglot/raw/master/python/"
SIDE, SMALL = 105, 28


@dataclass(frozen=True)
class Expected:
    """What the archives must hold. Archive bytes may differ from one home to another; the drawings may not."""

    characters: dict[str, int]  # archive -> number of characters in it
    drawings: int  # of each character
    sha256: str  # of all drawings at 105 x 105, in the order of their names: see `pixel_digest`
    packed_sha256: str  # of the packed file: see `s2m.datasets.characters.digest`


OMNIGLOT = Expected(
    characters={"images_background.zip": 964, "images_evaluation.zip": 659},
    drawings=20,
    sha256="612d7796515fc970067d8cbc08190644d938ec51d4c589143754e8e9a3925aab",
    packed_sha256=PACKED_SHA256,
)

Drawings = dict[str, np.ndarray]  # "Alphabet/characterNN" -> (drawings, 105, 105) bool, ink = True


def read_archive(path: Path, characters: int, drawings: int) -> Drawings:
    """All drawings of one archive, read without unpacking it. Raises S2MError for anything amiss."""
    cure = "delete it and run again to fetch it anew"
    found: dict[str, list[tuple[str, np.ndarray]]] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            members = [name for name in archive.namelist() if name.endswith(".png") and not name.startswith("__MACOSX")]
            for member in tqdm(members, desc=f"reading {path.name}", unit=" drawings", leave=False):
                character, drawing = _place(path, member)
                found.setdefault(character, []).append((drawing, _decode(archive.read(member), path, member)))
    except (OSError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise S2MError(f"{path} is not a whole zip archive ({error}): {cure}") from error
    if len(found) != characters:
        raise S2MError(f"{path} holds {len(found)} characters instead of {characters}: {cure}")
    for character, several in found.items():
        if len({drawing for drawing, _ in several}) != drawings or len(several) != drawings:
            raise S2MError(f"{path} holds {len(several)} drawings of {character} instead of {drawings}: {cure}")
    return {
        character: np.stack([image for _, image in sorted(several, key=lambda pair: pair[0])])
        for character, several in found.items()
    }


def _place(path: Path, member: str) -> tuple[str, str]:
    """images_x/Alphabet/characterNN/NNNN_NN.png -> ("Alphabet/characterNN", "NNNN_NN.png")."""
    if member.startswith("/") or "\\" in member or ".." in member.split("/"):
        raise S2MError(f"{path} names a path outside its folder, {member!r}: do not trust it, fetch it anew")
    parts = re.fullmatch(re.escape(path.stem) + r"/([^/]+/character\d+)/(\d+_\d+\.png)", member)
    if parts is None:
        raise S2MError(
            f"{path} holds {member!r}, which is not {path.stem}/Alphabet/characterNN/NNNN_NN.png: fetch it anew"
        )
    return parts[1], parts[2]


def _decode(data: bytes, path: Path, member: str) -> np.ndarray:
    """A PNG as (105, 105) bool, ink = True (the files draw black on white)."""
    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
            if image.size != (SIDE, SIDE):
                raise S2MError(f"{member} in {path} is {image.size} pixels instead of {SIDE} x {SIDE}: fetch it anew")
            return ~np.asarray(image.convert("1"))
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, zlib.error) as error:
        if isinstance(error, S2MError):
            raise
        raise S2MError(f"{member} in {path} is not a whole PNG ({error}): fetch the archive anew") from error


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


def pack(source: Path, path: Path, expected: Expected = OMNIGLOT) -> None:
    """Check the archives in `source` and write them as the packed file `path`, whole or not at all."""
    drawings: Drawings = {}
    for archive, characters in expected.characters.items():
        if not (source / archive).is_file():
            raise S2MError(f"{source} has no {archive}: give the folder that holds {' and '.join(expected.characters)}")
        drawings |= read_archive(source / archive, characters, expected.drawings)
    if pixel_digest(drawings) != expected.sha256:
        raise S2MError(f"the drawings in {source} are not Omniglot's (their hash differs): fetch both archives anew")
    names = sorted(drawings)
    shrunk = [shrink(drawings[name]) for name in tqdm(names, desc="shrinking", unit=" characters", leave=False)]
    images = np.stack(shrunk)
    sha256 = digest(images, names)
    with written_whole(path, size=images.nbytes) as file:  # compressed it is smaller: this is room enough
        np.savez_compressed(file, images=images, names=np.array(names), sha256=np.array(sha256))


def is_packed(path: Path, expected: Expected = OMNIGLOT) -> bool:
    """Whether `path` is already the right file."""
    if not path.is_file():
        return False
    try:
        read_packed(path, expected.packed_sha256)
    except S2MError as error:
        print(f"{error}; packing it anew", file=sys.stderr)
        return False
    return True


def archives_folder(source: Path | None, out: Path, home: str, expected: Expected) -> Path:
    """Where the archives lie: the folder given, one of those where a download would be, else downloaded now."""
    if source is not None:
        return source
    for folder in (out, out / "omniglot"):
        if all((folder / archive).is_file() for archive in expected.characters):
            return folder
    for archive in expected.characters:
        fetch(
            home + archive,
            out / "omniglot" / archive,
            check=require_whole_zip,
            otherwise="give a folder that holds the archives with --source FOLDER",
        )
    return out / "omniglot"


def require_whole_zip(path: Path) -> None:
    """Raise S2MError unless the file is a zip archive that is there to its end."""
    if not zipfile.is_zipfile(path):
        raise S2MError("what came is not a whole zip archive")


def main(arguments: Sequence[str] | None = None, *, home: str = HOME, expected: Expected = OMNIGLOT) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(description="Fetch, check and pack Omniglot.")
    parser.add_argument("--source", type=Path, help="folder that holds the two archives (default: download them)")
    parser.add_argument(
        "--out", type=Path, default=Path(os.environ.get("S2M_DATA") or "data"), help="folder for the packed file"
    )
    options = parser.parse_args(arguments)
    path = options.out / PACKED_NAME
    try:
        if is_packed(path, expected):
            print(f"{path} is there and right")
            return 0
        pack(archives_folder(options.source, options.out, home, expected), path, expected)
    except S2MError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"wrote {path}: {sum(expected.characters.values())} characters, {path.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
