"""Photographs as descriptors: what every experiment on pretrained features starts from."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from s2m.backbones import Backbone
from s2m.datasets.image_set import ImageSet
from s2m.describing import cache_folder, embed_once
from s2m.errors import S2MError
from s2m.storage import read_arrays, write_arrays

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Descriptors:
    """Pooled features of M images of C classes, as a network gave them.

    values: (M, d) float32 with the precision of float16, not normalised.
    labels, classes, files, source, ranks: as in `ImageSet`, of the images that could be read.
    backbone: the name of the network.
    skipped: (file, why) of every image that could not be read, of whatever class.

    Raises S2MError where these do not fit together. Explained in the chapter "Descriptors".

    >>> names = ("a.jpg", "b.jpg", "c.jpg")
    >>> fruit = Descriptors(np.eye(3), np.array([0, 1, 1]), ("lime", "plum"), names, "example", None, "none")
    >>> fruit.select(["plum"]).values.shape
    (2, 3)
    """

    values: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]
    files: tuple[str, ...]
    source: str
    ranks: np.ndarray | None
    backbone: str
    skipped: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        self.images(Path())
        if self.values.ndim != 2 or len(self.values) != len(self.files):
            raise S2MError(f"values have shape {self.values.shape}: give (M, d), one row for each of {len(self)} files")

    def __len__(self) -> int:
        return len(self.files)

    def images(self, root: Path) -> ImageSet:
        """The images that these describe, where their files lie in `root`."""
        return ImageSet(root, self.files, self.labels, self.classes, self.source, self.ranks)

    def select(self, classes: Iterable[str]) -> Descriptors:
        """Those of these classes, as `ImageSet.select` chooses. `skipped` stays whole."""
        chosen = self.images(Path()).select(classes)
        place = {file: index for index, file in enumerate(self.files)}
        values = self.values[[place[file] for file in chosen.files]]
        return replace(
            self, values=values, labels=chosen.labels, classes=chosen.classes, files=chosen.files, ranks=chosen.ranks
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """One .npz, half the size in memory: values as float16. Raises S2MError where the disk refuses."""
        about = {
            "classes": self.classes, "files": self.files, "source": self.source, "backbone": self.backbone,
            "skipped": self.skipped,
        }  # fmt: skip
        text = np.frombuffer(json.dumps(about).encode(), np.uint8)
        ranks = {} if self.ranks is None else {"ranks": self.ranks}
        write_arrays(Path(path), values=self.values.astype(np.float16), labels=self.labels, about=text, **ranks)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Descriptors:
        """From a file of `save`. Raises S2MError where it is missing, damaged or something else."""
        cure = "give a file that `s2m describe` wrote, or describe the images again"
        arrays = read_arrays(Path(path), cure)
        if not {"values", "labels", "about"} <= set(arrays):
            raise S2MError(f"{path} holds no descriptors: {cure}")
        about = json.loads(arrays["about"].tobytes())
        return cls(
            arrays["values"].astype(np.float32), arrays["labels"], tuple(about["classes"]), tuple(about["files"]),
            about["source"], arrays.get("ranks"), about["backbone"], tuple(map(tuple, about["skipped"])),
        )  # fmt: skip


def describe_photos(
    images: ImageSet,
    backbone: Backbone,
    folder: str | os.PathLike[str] | None = None,
    batch: int = 32,
    threads: int | None = None,
) -> Descriptors:
    """The pooled features of photographs, computed once and then read from a file.

    Decoding goes on in threads while the network computes. Killed, it goes on with the same call. Images that cannot be
    read are left out, listed in `skipped`, and a warning says how many there are; once in the file, they are read again
    only when the file of the image, the network or its preparation changes. Describe a whole set, then select classes:
    a part of it is another list of images. Explained in the chapter "Descriptors".

    Args:
        images: a set, or a selection of its classes.
        backbone: from `load_backbone`; it computes where it lies, `.to("cuda")` included.
        folder: of the files; by default $S2M_CACHE, or s2m/ in the user's cache folder.
        batch: images that pass the network together.
        threads: that decode; by default one for each processor, 8 at most.

    Raises:
        S2MError: no image can be read, a damaged file, features beyond float16, or a folder that cannot be written.

    >>> from tempfile import TemporaryDirectory
    >>> from PIL import Image
    >>> from s2m import load_backbone, load_photos
    >>> with TemporaryDirectory() as folder:
    ...     for file in ("lime/1.png", "lime/2.png", "plum/1.png", "plum/2.png"):
    ...         path = Path(folder, "fruit", file)
    ...         path.parent.mkdir(parents=True, exist_ok=True)
    ...         Image.new("RGB", (64, 48)).save(path)
    ...     found = describe_photos(load_photos(f"{folder}/fruit"), load_backbone(), f"{folder}/kept")
    >>> found.values.shape, found.classes
    ((4, 1280), ('lime', 'plum'))
    """
    found = embed_once(images, backbone, Path(folder or cache_folder()), batch, threads)
    unread = np.setdiff1d(np.arange(len(images)), found.kept)
    skipped = tuple((images.files[index], str(why)) for index, why in zip(unread, found.why, strict=True))
    if skipped:
        _log.warning("%d of %d images are left out, the first: %s", len(skipped), len(images), skipped[0][1])
    return Descriptors(
        found.values.astype(np.float32), images.labels[found.kept], images.classes,
        tuple(images.files[index] for index in found.kept), images.source,
        None if images.ranks is None else images.ranks[found.kept], backbone.name, skipped,
    )  # fmt: skip
