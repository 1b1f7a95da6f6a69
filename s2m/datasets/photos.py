"""Loading photographs: packed sets, and plain folders with one folder of images for every class."""

import csv
import io
import os
import zipfile
import zlib
from pathlib import Path

import numpy as np

from s2m.datasets.image_set import ImageSet
from s2m.datasets.places import data_folders, default_folders
from s2m.errors import S2MError
from s2m.images import list_images

SETS = {
    "flowers102": "Flowers-102",
    "caltech101": "Caltech-101",
    "grocery_store": "Grocery Store",
    "google_web": "Google Images",
    "rgbd_object": "RGB-D Object",
    "imagenet": "ImageNet",
}
COLUMNS = ("path", "class", "sha256", "rank", "group")  # of index.csv in a packed set
LEAST = 2  # images of a class: one to show and one to find


def load_photos(name: str | os.PathLike[str], folder: str | os.PathLike[str] | None = None) -> ImageSet:
    """A set of photographs.

    name: a packed set, "flowers102", "caltech101" (its class BACKGROUND_Google holds foreign images), "grocery_store",
        "google_web" (classes "query/filter", with ranks), "rgbd_object" or "imagenet"; or the path of a folder with
        one folder of images for every class, as `data_scripts/web.py` writes it (then with ranks), or of a packed set.
    folder: where the packed sets lie; by default $S2M_DATA, or without that `data/` in the working folder or in the
        clone. Where the folder holds only the raw archive, a set packed from it into `data/` counts too.

    `load_split` says which classes are for what. Nothing is decoded here, so this takes a fraction of a second.
    Raises S2MError for a set that is absent, damaged or unknown, a folder without class folders, and a class of fewer
    than 2 images.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     for file in ("lime/1.png", "lime/2.png", "plum/1.png", "plum/2.png"):
    ...         Path(folder, file).parent.mkdir(exist_ok=True)
    ...         Path(folder, file).touch()
    ...     load_photos(folder).classes
    ('lime', 'plum')
    """
    if isinstance(name, str) and name in SETS:
        images = _read_packed(_find_packed(name, folder), SETS[name])
    elif Path(name).is_dir():
        images = _read_folder(Path(name))
    elif Path(name).is_file():
        images = _read_packed(Path(name), SETS.get(Path(name).stem, Path(name).stem))
    else:
        raise S2MError(f"{name} is neither a set nor a folder: choose {', '.join(SETS)}, or a folder of class folders")
    counts = np.bincount(images.labels, minlength=len(images.classes))
    if counts.min() < LEAST:
        short = images.classes[counts.argmin()]
        raise S2MError(
            f"class {short!r} in {images.root} has {counts.min()} images, at least {LEAST} are needed: "
            "add some, or remove the class"
        )
    return images


def _find_packed(name: str, folder: str | os.PathLike[str] | None) -> Path:
    raw = [place for place in data_folders(folder) if any(place.glob(f"{name}*/{name}*.zip"))]
    places = data_folders(folder) + (default_folders() if raw else [])
    for place in places:
        if (place / f"{name}.zip").is_file():
            return place / f"{name}.zip"
    searched = " or ".join(str(place) for place in places)
    pack = f"python data_scripts/{name}.py" + (f" --source {raw[0]} --out data" if raw else "")
    raise S2MError(f"{SETS[name]} is not there, no {name}.zip in {searched}: get it with `{pack}`")


def _read_packed(path: Path, source: str) -> ImageSet:
    try:
        with zipfile.ZipFile(path) as archive, archive.open("index.csv") as file:
            rows = list(csv.DictReader(io.TextIOWrapper(file, "utf-8", newline="")))
            absent = {row["path"] for row in rows} - set(archive.namelist())
            labels = [row["class"] for row in rows]
            ranks = [int(row["rank"]) for row in rows if row["rank"]]
            if absent or not rows or len(ranks) not in (0, len(rows)):
                raise ValueError("its index does not fit")
    except (OSError, ValueError, KeyError, zipfile.BadZipFile, zlib.error, EOFError) as error:
        script = f"run `python data_scripts/{path.stem}.py` again" if path.stem in SETS else "pack it again"
        raise S2MError(f"{path} is damaged or no packed set ({error!r}): delete it and {script}") from error
    return _image_set(path, [row["path"] for row in rows], labels, source, ranks)


def _read_folder(root: Path) -> ImageSet:
    classes = [each for each in root.iterdir() if each.is_dir() and not each.name.startswith(".")]
    if not classes:
        raise S2MError(f"{root} has no class folders: put the images of each class into a folder of its own")
    paths = [path for each in sorted(classes) for path in list_images(each)]
    inside = [path.relative_to(root) for path in paths]
    searched = all((each / "index.csv").is_file() for each in classes)  # written by data_scripts/web.py
    ranks = [int(path.stem) for path in paths] if searched and all(path.stem.isdecimal() for path in paths) else []
    return _image_set(root, [path.as_posix() for path in inside], [path.parts[0] for path in inside], str(root), ranks)


def _image_set(root: Path, files: list[str], labels: list[str], source: str, ranks: list[int]) -> ImageSet:
    classes, places = np.unique(labels, return_inverse=True)
    numbers = np.array(ranks, np.int64) if ranks else None
    return ImageSet(root, tuple(files), places.astype(np.int64), tuple(classes.tolist()), source, numbers)
