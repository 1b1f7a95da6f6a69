"""Archives from elsewhere, read without unpacking them: zip, tar, or a folder in their place."""

import hashlib
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from s2m.errors import S2MError

BROKEN = (OSError, zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, RuntimeError)
CURE = "delete it and get it anew"


def require_inside(archive: Path, name: str, cure: str = CURE) -> None:
    """Raise S2MError for a member whose path leads out of the archive's folder."""
    if name.startswith("/") or "\\" in name or ".." in name.split("/"):
        raise S2MError(f"{archive} names a file outside its folder, {name!r}: do not trust it, {cure}")


def members(path: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    """Name and content of the files in a zip or tar archive, or below a folder, whose name (with /) is wanted.

    Raises S2MError for an archive that is damaged, or that names any file outside its folder.
    """
    try:
        if path.is_dir():
            for file in sorted(each for each in path.rglob("*") if each.is_file()):
                if wanted(name := file.relative_to(path).as_posix()):
                    yield name, file.read_bytes()
        elif zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                for name in archive.namelist():
                    require_inside(path, name)
                    if wanted(name):
                        yield name, archive.read(name)
        else:
            with path.open("rb") as stream:
                yield from tar_members(path, stream, wanted)
    except BROKEN as error:
        raise S2MError(f"{path} is not a whole archive ({error}): {CURE}") from error


def tar_members(path: Path, stream: BinaryIO, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    """The same for an open tar archive, compressed or not, which may itself be a member of `path`."""
    with tarfile.open(fileobj=stream, mode="r|*") as archive:
        for member in archive:
            require_inside(path, member.name)
            if member.isfile() and wanted(member.name):
                content = archive.extractfile(member)
                assert content is not None  # it is a file
                yield member.name, content.read()


def require_whole_zip(path: Path) -> None:
    """Raise S2MError unless the file is a zip archive whose every member can be read."""
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
    except BROKEN as error:
        raise S2MError(f"what came is not a whole zip archive ({error})") from error
    if damaged is not None:
        raise S2MError(f"what came is a damaged zip archive ({damaged})")


def require_md5(md5: str) -> Callable[[Path], None]:
    """A check of a file: raise S2MError unless it is the one that its authors publish."""

    def check(path: Path) -> None:
        with path.open("rb") as file:
            if hashlib.file_digest(file, "md5").hexdigest() != md5:
                raise S2MError(f"{path} is not what its authors publish (its md5 differs): {CURE}")

    return check
