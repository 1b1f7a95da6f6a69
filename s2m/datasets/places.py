"""Where data are looked for."""

import os
from pathlib import Path

BESIDE = Path(__file__).resolve().parents[2] / "data"  # in a clone of the repository


def data_folders(folder: str | os.PathLike[str] | None = None) -> list[Path]:
    """The folder given, else $S2M_DATA, else the default ones."""
    chosen = folder or os.environ.get("S2M_DATA")
    return [Path(chosen)] if chosen else default_folders()


def default_folders() -> list[Path]:
    """`data/` in the working folder and in the clone: where the scripts write unless they are told otherwise."""
    return [Path("data"), BESIDE]
