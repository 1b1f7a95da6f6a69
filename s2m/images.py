"""Image files: which there are."""

import os
from pathlib import Path

from s2m.errors import S2MError

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff")


def list_images(folder: str | os.PathLike[str]) -> list[Path]:
    """Image files below a folder, sorted. Raises S2MError where there is no such folder, or no image in it."""
    folder = Path(folder)
    if not folder.is_dir():
        raise S2MError(f"{folder} is not a folder: give a folder of images")
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not found:
        raise S2MError(f"{folder} holds no image ({', '.join(SUFFIXES)}): give a folder of images")
    return found
