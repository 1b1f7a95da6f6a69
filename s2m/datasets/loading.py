"""Where character sets are looked for, and what to do where they are not."""

import os
from pathlib import Path

from s2m.datasets.characters import PACKED_NAME, Characters, read_packed
from s2m.datasets.generated import generate_characters
from s2m.errors import S2MError

GET_IT = "get it with `make data`, or point S2M_DATA at the folder that holds it"


def load_characters(name: str = "auto", folder: str | os.PathLike[str] | None = None) -> Characters:
    """Characters to learn from.

    name: "omniglot" (1623 characters, 20 drawings each), "generated" (300 x 20, drawn by a program: see
        `generate_characters`), or "auto": Omniglot where it is present, else generated.
    folder: where the packed file lies; by default $S2M_DATA, or `data/` in the working folder or beside the package.

    Raises S2MError for an unknown name, for Omniglot that is asked for and absent, and for a damaged file.

    >>> load_characters("generated").images.shape
    (300, 20, 28, 28)
    """
    if name not in ("auto", "omniglot", "generated"):
        raise S2MError(f"there is no character set {name!r}: choose auto, omniglot or generated")
    if name != "generated":
        path = packed_path(folder)
        if path is not None:
            return read_packed(path)
        if name == "omniglot":
            raise S2MError(_why_absent(folder))
    return generate_characters()


def data_folders(folder: str | os.PathLike[str] | None = None) -> list[Path]:
    """Where to look for data: the folder given, else $S2M_DATA, else `data/` here and `data/` beside the package."""
    chosen = folder or os.environ.get("S2M_DATA")
    if chosen:
        return [Path(chosen)]
    return [Path("data"), Path(__file__).resolve().parents[2] / "data"]


def packed_path(folder: str | os.PathLike[str] | None = None) -> Path | None:
    """The packed Omniglot file, or None where there is none."""
    candidates = [place / PACKED_NAME for place in data_folders(folder)]
    return next((path for path in candidates if path.is_file()), None)


def _why_absent(folder: str | os.PathLike[str] | None) -> str:
    places = data_folders(folder)
    for place in places:
        for archives in (place, place / "omniglot"):
            if (archives / "images_background.zip").is_file():
                pack = f"python data_scripts/omniglot.py --source {archives} --out {place}"
                return f"{archives} holds Omniglot's archives but {place} no {PACKED_NAME}: pack them with `{pack}`"
    searched = " or ".join(str(place) for place in places)
    return f"Omniglot is not there, no {PACKED_NAME} in {searched}: {GET_IT}"
