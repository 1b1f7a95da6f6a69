"""One zip archive for each set of photographs, with an index.csv: what every script of a photograph set shares.

A set comes from its official files, or from a **small archive**: a zip of the same images made smaller, whose own
index.csv carries the sha256 of every original (`orig_sha256`). Both give the same index, and so the same hash of it;
the bytes of the small images have a second hash.
"""

import argparse
import csv
import hashlib
import io
import os
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from archives import BROKEN, members, require_whole_zip
from fetch import fetch
from tqdm import tqdm

from s2m.datasets.photos import COLUMNS
from s2m.ending import exit_status
from s2m.errors import S2MError
from s2m.storage import written_whole

Row = dict[str, str]


@dataclass(frozen=True)
class Photo:
    """One image of a set.

    path: its place in the packed set. label: its class. rank: its place in a web search. group: a coarser or finer
    class, where the set has one. original: sha256 of the original, where `content` is a smaller copy.
    """

    path: str
    label: str
    content: bytes = field(repr=False)
    rank: str = ""
    group: str = ""
    original: str = ""

    def row(self) -> Row:
        """Its line of index.csv."""
        sha256 = self.original or hashlib.sha256(self.content).hexdigest()
        return dict(zip(COLUMNS, (self.path, self.label, sha256, self.rank, self.group), strict=True))


@dataclass(frozen=True)
class Recipe:
    """What a script knows of its set. A set of the user's own choice has no counts and no hashes.

    official: the files that the set is published as, or none where the user's folder may hold anything.
    read: the photographs in a folder of official files.
    downloads: official file -> its address and the check of what came; empty where the set cannot be downloaded.
    small: the name of the small archive; describe: a row of its index -> class, rank and group, None for no photograph.
    """

    name: str
    read: Callable[[Path], Iterator[Photo]]
    official: tuple[str, ...] = ()
    downloads: dict[str, tuple[str, Callable[[Path], None]]] = field(default_factory=dict)
    small: str = ""
    describe: Callable[[Row], tuple[str, str, str] | None] = lambda row: (row["class"], "", "")
    images: int = 0
    classes: int = 0
    index_sha256: str = ""
    small_sha256: str = ""


def digest(lines: Iterable[Sequence[str]]) -> str:
    """sha256 (hex) of lines of text in their sorted order."""
    return hashlib.sha256("\n".join(sorted("\t".join(line) for line in lines)).encode()).hexdigest()


def index_digest(rows: Iterable[Row]) -> str:
    """The same for the same images in the same classes, whatever their size."""
    return digest([row[column] for column in COLUMNS] for row in rows)


def small_photos(archive: Path, describe: Callable[[Row], tuple[str, str, str] | None]) -> Iterator[Photo]:
    """The photographs of a small archive."""
    content = dict(members(archive, lambda name: True))
    try:
        rows = csv.DictReader(io.StringIO(content["index.csv"].decode()))
        for row in rows:
            described = describe(row)
            if described is not None:
                yield Photo(row["path"], described[0], content[row["path"]], *described[1:], row["orig_sha256"])
    except (KeyError, UnicodeDecodeError) as error:
        raise S2MError(f"{archive} is no small archive of this set ({error!r}): give the right folder") from error


def pack(photos: Iterable[Photo], path: Path, recipe: Recipe, size: int) -> int:
    """Write the photographs as a packed set, whole or not at all, and return how many there are.

    size: about how many bytes they have. Raises S2MError where they are not the ones expected.
    """
    rows: dict[str, Row] = {}
    copies = []
    with written_whole(path, size) as file, zipfile.ZipFile(file, "w") as archive:
        for photo in tqdm(photos, f"packing {path.name}", recipe.images or None, leave=False, disable=None):
            if photo.path in rows:
                raise S2MError(f"{photo.path} is there twice: give a folder that holds every image once")
            archive.writestr(zipfile.ZipInfo(photo.path), photo.content)  # ZipInfo: no time, so equal files every time
            rows[photo.path] = photo.row()
            if photo.original:
                copies.append((photo.path, hashlib.sha256(photo.content).hexdigest()))
        if not rows:
            raise S2MError(f"no photograph of {recipe.name} was found: give the right folder with --source")
        ordered = [rows[name] for name in sorted(rows)]
        check(ordered, copies, recipe)
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, COLUMNS)
        writer.writeheader()
        writer.writerows(ordered)
        archive.writestr(zipfile.ZipInfo("index.csv"), text.getvalue())
    return len(rows)


def check(rows: list[Row], copies: list[tuple[str, str]], recipe: Recipe) -> None:
    """Raise S2MError unless these are the images, and the smaller copies of them, that the recipe expects."""
    if not recipe.images:
        return
    found, wanted = (len(rows), len({row["class"] for row in rows})), (recipe.images, recipe.classes)
    cause = ""
    if found != wanted:
        cause = f"{found[0]} images of {found[1]} classes instead of {wanted[0]} of {wanted[1]}"
    elif index_digest(rows) != recipe.index_sha256:
        cause = "other images or classes (the hash of the originals differs)"
    elif copies and digest(copies) != recipe.small_sha256:
        cause = "other pixels (the hash of the small images differs)"
    if cause:
        raise S2MError(f"this is not the set {recipe.name}: {cause}; delete the archive and get it anew")


def is_packed(path: Path, recipe: Recipe) -> bool:
    """Whether `path` is already the right set."""
    if not path.is_file():
        return False
    try:
        require_whole_zip(path)
        with zipfile.ZipFile(path) as archive:
            rows = list(csv.DictReader(io.StringIO(archive.read("index.csv").decode())))
        if recipe.images:
            check(rows, [], recipe)
    except (S2MError, KeyError, UnicodeDecodeError, *BROKEN) as error:
        print(f"{path} is not the packed set ({error}): packing it anew", file=sys.stderr)
        return False
    return True


def find(recipe: Recipe, source: Path | None, out: Path) -> tuple[Iterator[Photo], int]:
    """The photographs, from what is at hand or else downloaded now, and about how many bytes they have."""
    base = source or out
    for folder in (base, base / recipe.name, base / Path(recipe.small).stem):
        archive = folder / recipe.small
        if recipe.small and archive.is_file() and archive != out / f"{recipe.name}.zip":
            return small_photos(archive, recipe.describe), archive.stat().st_size
        if recipe.official and all((folder / file).exists() for file in recipe.official):
            return recipe.read(folder), sum((folder / file).stat().st_size for file in recipe.official)
    if source is not None and not recipe.official and source.is_dir():
        return recipe.read(source), sum(each.stat().st_size for each in source.glob("*.tar"))
    choices = " or ".join(filter(None, (recipe.small, " and ".join(recipe.official))))
    if source is not None:
        raise S2MError(f"{source} holds no {choices or 'folder'}: give the folder that does")
    if not recipe.downloads:
        raise S2MError(f"{recipe.name} cannot be downloaded: give the folder that holds it with --source FOLDER")
    folder = out / recipe.name
    for file, (url, right) in recipe.downloads.items():
        fetch(url, folder / file, check=right, otherwise=f"give a folder that holds {choices} with --source FOLDER")
    return recipe.read(folder), sum((folder / file).stat().st_size for file in recipe.downloads)


@exit_status
def main(recipe: Recipe, arguments: Sequence[str] | None = None) -> None:
    """The command line of every such script."""
    parser = argparse.ArgumentParser(description=f"Get, check and pack the photographs of {recipe.name}.")
    parser.add_argument("--source", type=Path, help="folder that holds the archives (default: download them)")
    parser.add_argument(
        "--out", type=Path, default=Path(os.environ.get("S2M_DATA") or "data"), help="folder for the packed set"
    )
    options = parser.parse_args(arguments)
    path = options.out / f"{recipe.name}.zip"
    if is_packed(path, recipe):
        print(f"{path} is there and right")
        return
    photos, size = find(recipe, options.source, options.out)
    count = pack(photos, path, recipe, size)
    print(f"wrote {path}: {count} photographs, {path.stat().st_size / 1e6:.1f} MB")
