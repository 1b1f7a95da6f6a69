"""A set of photographs: which files there are, of which class, and their bytes."""

import functools
import os
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from s2m.errors import S2MError


@dataclass(frozen=True, eq=False)
class ImageSet:
    """M images of C classes, not decoded: `read` gives the bytes of a file, `s2m.images.read_photo` the picture.

    root: a folder, or a packed set (a zip archive).
    files: M different paths inside root, with forward slashes.
    labels: (M,) int64, places in `classes`.
    classes: C different names.
    source: what these images are; print it wherever a number made from them is shown.
    ranks: (M,) int64, the place of every web image in its search results, from 1; None where there was no search.

    Raises S2MError where these do not fit together.

    >>> import numpy as np
    >>> fruit = ImageSet(Path("."), ("a.jpg", "b.jpg", "c.jpg"), np.array([0, 1, 1]), ("lime", "plum"), "example")
    >>> plums = fruit.select(["plum"])
    >>> plums.files, plums.labels.tolist()
    (('b.jpg', 'c.jpg'), [0, 0])
    """

    root: Path
    files: tuple[str, ...]
    labels: np.ndarray
    classes: tuple[str, ...]
    source: str
    ranks: np.ndarray | None = None

    def __post_init__(self) -> None:
        for what, values in (("labels", self.labels), ("ranks", self.ranks)):
            if values is not None and (values.shape != (len(self.files),) or values.dtype != np.int64):
                raise S2MError(f"{what} are {values.dtype} {values.shape}: give one int64 for each file")
        if len(set(self.files)) != len(self.files) or len(set(self.classes)) != len(self.classes):
            raise S2MError("a file or a class is named twice: name each once")
        if len(self.files) and not 0 <= self.labels.min() <= self.labels.max() < len(self.classes):
            raise S2MError(f"a label is outside 0..{len(self.classes) - 1}: labels are places in `classes`")

    def __len__(self) -> int:
        return len(self.files)

    def read(self, index: int) -> bytes:
        """The bytes of one file; any number of threads and processes may ask at once.

        Raises S2MError where the file is gone or the archive is damaged there.
        """
        name = self.files[index]
        try:
            if self.root.is_dir():
                return (self.root / name).read_bytes()
            return _archive(self.root, os.getpid(), self.root.stat().st_mtime_ns).read(name)
        except (OSError, KeyError, zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise S2MError(f"cannot read {name} in {self.root} ({error}): get the set anew") from error

    def select(self, classes: Iterable[str]) -> "ImageSet":
        """The images of these classes, classes in the order asked for, images in the order they have.

        Raises S2MError for a class that is not there, is asked for twice, or where none is asked for.
        """
        classes = tuple(classes)
        places = {name: place for place, name in enumerate(self.classes)}
        if not classes:
            raise S2MError("no class is asked for: name at least one of `classes`")
        missing = [name for name in classes if name not in places]
        if missing:
            raise S2MError(
                f"{len(missing)} of {len(classes)} classes are not in {self.source}, the first is {missing[0]!r}: "
                "choose among its `classes`"
            )
        renamed = np.full(len(self.classes), -1)
        renamed[[places[name] for name in classes]] = np.arange(len(classes))
        labels = renamed[self.labels]
        kept = np.flatnonzero(labels >= 0)
        ranks = None if self.ranks is None else self.ranks[kept]
        files = tuple(self.files[index] for index in kept)
        return ImageSet(self.root, files, labels[kept], classes, self.source, ranks)


@functools.lru_cache(maxsize=16)
def _archive(path: Path, process: int, changed: int) -> zipfile.ZipFile:
    """An open archive. Threads may share one; processes may not, since a fork shares the place in the file.

    changed: a file that was packed anew is opened anew.
    """
    return zipfile.ZipFile(path)
