"""Photographs through a network, once: what comes out is kept in a file that is found again by what went in."""

from __future__ import annotations

import hashlib
import itertools
import os
import re
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from s2m.backbones import Backbone
from s2m.datasets.image_set import ImageSet
from s2m.errors import S2MError
from s2m.images import read_photo
from s2m.reading import read_ahead
from s2m.storage import read_arrays, write_arrays

SHARD = 256  # images between two writes: seconds of work, and some 150 MB of them prepared


@dataclass(frozen=True, eq=False)
class Embedded:
    """What became of a list of images.

    values: (K, d) float16, features of those that could be read. kept: (K,) int64, their places in the list.
    why: for each of the others, in order.
    """

    values: np.ndarray
    kept: np.ndarray
    why: np.ndarray

    @classmethod
    def read(cls, path: Path) -> Embedded:
        """From a file. Raises S2MError where it is missing or damaged."""
        arrays = read_arrays(path, "delete it, it is computed anew")
        return cls(arrays["values"], arrays["kept"], arrays["why"])

    def write(self, path: Path) -> None:
        """Whole or not at all."""
        write_arrays(path, values=self.values, kept=self.kept, why=self.why)


def embed_once(images: ImageSet, backbone: Backbone, folder: Path, batch: int, threads: int | None) -> Embedded:
    """The features of these images, computed where `folder` does not have them yet.

    A killed run goes on where it was: every SHARD images are a file, joined at the end.
    Raises S2MError where no image can be read, features are not finite, or the folder cannot be written.
    """
    if not len(images):
        raise S2MError(f"{images.source} holds no images: choose other classes")
    path = features_path(images, backbone, folder)
    if path.is_file():
        return Embedded.read(path)
    parts = path.with_suffix(".parts")
    shards = [range(first, min(first + SHARD, len(images))) for first in range(0, len(images), SHARD)]
    files = {shard: parts / f"{shard.start:08d}-{shard.stop:08d}.npz" for shard in shards}
    missing = [shard for shard in shards if not files[shard].is_file()]

    def read(index: int) -> Tensor:
        return backbone.prepare(read_photo(images.read(index), images.files[index]))

    stream = read_ahead(read, itertools.chain.from_iterable(missing), threads)
    done = len(images) - sum(map(len, missing))
    with tqdm(total=len(images), initial=done, desc=images.source, unit=" images", leave=False, disable=None) as bar:
        for shard in missing:
            embed(itertools.islice(stream, len(shard)), backbone, batch).write(files[shard])
            bar.update(len(shard))
    found = [Embedded.read(file) for file in files.values()]
    whole = Embedded(*(np.concatenate([getattr(part, name) for part in found]) for name in ("values", "kept", "why")))
    if len(whole.kept):
        whole.write(path)
    shutil.rmtree(parts, ignore_errors=True)  # another process may have been at it too, and faster
    if not len(whole.kept):
        raise S2MError(f"none of the {len(images)} images of {images.source} can be read, the first: {whole.why[0]}")
    return whole


@torch.inference_mode()
def embed(items: Iterator[tuple[int, Tensor | S2MError]], backbone: Backbone, batch: int) -> Embedded:
    """The features of images that were read, `batch` at a time."""
    device = next(backbone.parameters()).device
    values, kept, why = [np.zeros((0, backbone.size), np.float16)], [], []
    while taken := list(itertools.islice(items, batch)):
        images = {index: image for index, image in taken if isinstance(image, Tensor)}
        why += [str(image) for _, image in taken if isinstance(image, S2MError)]
        kept += images
        if images:
            features = backbone(torch.stack(list(images.values())).to(device)).half()
            if not features.isfinite().all():
                raise S2MError(f"{backbone.name} gives features beyond float16: choose other weights")
            values.append(features.cpu().numpy())
    return Embedded(np.concatenate(values), np.array(kept, np.int64), np.array(why, str))


def features_path(images: ImageSet, backbone: Backbone, folder: Path) -> Path:
    """Where the features of these images are kept, whether they are there or not."""
    name = re.sub(r"[^\w.]+", "-", backbone.name)
    return folder / f"{name}-{backbone.identity[:16]}-{content_key(images)[:16]}.npz"


def content_key(images: ImageSet) -> str:
    """sha256 (hex) of the names and contents of the files.

    A content is told by its checksum in an archive, and in a folder by size and time of change: nothing is decoded.
    Raises S2MError where the archive is gone or damaged.
    """
    total = hashlib.sha256()
    if images.root.is_dir():
        for file in images.files:
            total.update(f"{file} {stamp(images.root / file)}\n".encode())
    else:
        try:
            with zipfile.ZipFile(images.root) as archive:
                members = [archive.getinfo(file) for file in images.files]
        except (OSError, KeyError, zipfile.BadZipFile) as error:
            raise S2MError(f"cannot read {images.root} ({error}): get the set anew") from error
        for member in members:
            total.update(f"{member.filename} {member.file_size} {member.CRC}\n".encode())
    return total.hexdigest()


def stamp(path: Path) -> str:
    """Size and time of change of a file; a file that is gone has none."""
    if not path.is_file():
        return "gone"
    found = path.stat()
    return f"{found.st_size} {found.st_mtime_ns}"


def cache_folder() -> Path:
    """Where features are kept unless told otherwise: $S2M_CACHE, or s2m/ in the user's cache folder."""
    if os.environ.get("S2M_CACHE"):
        return Path(os.environ["S2M_CACHE"])
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "s2m"
