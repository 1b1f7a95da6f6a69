"""Get Omniglot: fetch its two archives (or take them from a folder), check every drawing, pack all into one file.

    python data_scripts/omniglot.py                       # from the official home into $S2M_DATA, or data/
    python data_scripts/omniglot.py --source FOLDER       # from archives already at hand

Omniglot: B. M. Lake, R. Salakhutdinov, J. B. Tenenbaum, "Human-level concept learning through probabilistic program
induction", Science 350 (2015); MIT licence. 1623 characters of 50 alphabets, each drawn once by 20 people.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from archives import require_whole_zip
from fetch import fetch
from omniglot_archive import CURE, Drawings, pixel_digest, read_archive, shrink
from tqdm import tqdm

from s2m.datasets.characters import PACKED_NAME, PACKED_SHA256, digest, read_packed
from s2m.ending import exit_status
from s2m.errors import S2MError
from s2m.storage import written_whole

HOME = "https://github.com/brendenlake/omniglot/raw/master/python/"


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


def pack(source: Path, path: Path, expected: Expected = OMNIGLOT) -> None:
    """Check the archives in `source` and write them as the packed file `path`, whole or not at all."""
    drawings: Drawings = {}
    for archive, characters in expected.characters.items():
        if not (source / archive).is_file():
            raise S2MError(f"{source} has no {archive}: give the folder that holds {' and '.join(expected.characters)}")
        drawings |= read_archive(source / archive, characters, expected.drawings)
    if pixel_digest(drawings) != expected.sha256:
        raise S2MError(f"the drawings in {source} are not Omniglot's (their hash differs): {CURE}")
    names = sorted(drawings)
    progress = tqdm(names, "shrinking", unit=" characters", leave=False, disable=None)
    images = np.stack([shrink(drawings[name]) for name in progress])
    sha256 = digest(images, names)
    if sha256 != expected.packed_sha256:
        raise S2MError("the right drawings gave another packed file: a fault of numpy or of this script, report it")
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


@exit_status
def main(arguments: Sequence[str] | None = None, *, home: str = HOME, expected: Expected = OMNIGLOT) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Fetch, check and pack Omniglot.")
    parser.add_argument("--source", type=Path, help="folder that holds the two archives (default: download them)")
    parser.add_argument(
        "--out", type=Path, default=Path(os.environ.get("S2M_DATA") or "data"), help="folder for the packed file"
    )
    options = parser.parse_args(arguments)
    path = options.out / PACKED_NAME
    if is_packed(path, expected):
        print(f"{path} is there and right")
        return
    pack(archives_folder(options.source, options.out, home, expected), path, expected)
    print(f"wrote {path}: {sum(expected.characters.values())} characters, {path.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    sys.exit(main())
