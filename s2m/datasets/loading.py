"""Where character sets are looked for, and what to do where they are not."""

import logging
import os
from pathlib import Path

from s2m.datasets.characters import PACKED_NAME, Characters, read_packed
from s2m.datasets.generated import generate_characters
from s2m.datasets.places import data_folders, default_folders
from s2m.errors import S2MError

ARCHIVES = ("images_background.zip", "images_evaluation.zip")
_log = logging.getLogger(__name__)


def load_characters(name: str = "auto", folder: str | os.PathLike[str] | None = None) -> Characters:
    """Characters to learn from.

    name: "omniglot" (1623 characters, 20 drawings each), "generated" (300 x 20, drawn by a program: see
        `generate_characters`), or "auto": Omniglot where its packed file is present, else generated.
    folder: where the packed file lies; by default $S2M_DATA, or without that `data/` in the working folder or in the
        clone. Where the folder holds only the raw archives, a file packed from them into `data/` counts too.

    The book's chapter on Omniglot shows both sets. Nothing is cached: keep what you get.
    Raises S2MError for an unknown name, for Omniglot that is asked for and absent, and for a damaged file.

    >>> load_characters("generated").images.shape
    (300, 20, 28, 28)
    """
    if name not in ("auto", "omniglot", "generated"):
        raise S2MError(f"there is no character set {name!r}: choose auto, omniglot or generated")
    if name == "generated":
        return generate_characters()
    path = packed_path(folder)
    if path is not None:
        return read_packed(path)
    if name == "omniglot":
        raise S2MError(_why_absent(folder))
    if archives_folder(folder) is not None:
        _log.warning("generated characters are used: %s", _why_absent(folder))
    return generate_characters()


def packed_path(folder: str | os.PathLike[str] | None = None) -> Path | None:
    """The packed Omniglot file, or None where there is none."""
    places = data_folders(folder)
    if archives_folder(folder) is not None:
        places += default_folders()
    return next((place / PACKED_NAME for place in places if (place / PACKED_NAME).is_file()), None)


def archives_folder(folder: str | os.PathLike[str] | None = None) -> Path | None:
    """The folder with Omniglot's two raw archives, where the data folder or its `omniglot/` is one, else None."""
    candidates = [inner for place in data_folders(folder) for inner in (place, place / "omniglot")]
    return next((inner for inner in candidates if all((inner / name).is_file() for name in ARCHIVES)), None)


def _why_absent(folder: str | os.PathLike[str] | None) -> str:
    archives = archives_folder(folder)
    if archives is not None:
        pack = f"python data_scripts/omniglot.py --source {archives} --out data"
        return f"{archives} holds Omniglot's raw archives but there is no packed {PACKED_NAME}: pack them with `{pack}`"
    searched = " or ".join(str(place) for place in data_folders(folder))
    return (
        f"Omniglot is not there, no {PACKED_NAME} in {searched}: "
        "get it with `make data`, or set S2M_DATA to the folder that holds it"
    )
