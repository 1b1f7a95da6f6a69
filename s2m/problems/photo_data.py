"""What a problem of photographs is made from: cached descriptors of a collection, of foreign images, of web queries."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from s2m.backbones import Backbone, load_backbone
from s2m.config import Config
from s2m.datasets import QUERY_CLASSES, ImageSet, load_foreign, load_photos, load_split
from s2m.datasets.splits import PARTS
from s2m.descriptors import Descriptors, describe_photos
from s2m.problems.photo_sets import by_class
from s2m.problems.pictures import Pictures


@dataclass(frozen=True, eq=False)
class Part:
    """One part of a collection, and the foreign images that may get into its concept sets.

    values: (M + F, d) descriptors, the foreign ones last, or the `Pictures` themselves. labels: (M,) the class of each
    image, a place in `classes`. members: the places of the images of each class; strangers: (F,) of the foreign ones.
    """

    values: Tensor | Pictures
    labels: np.ndarray
    classes: tuple[str, ...]
    members: list[np.ndarray]
    strangers: np.ndarray

    @classmethod
    def of(cls, values: Tensor | Pictures, collection: Descriptors) -> Part:
        """A part from values, those of the collection first."""
        labels, classes = collection.labels, collection.classes
        return cls(values, labels, classes, by_class(labels, len(classes)), np.arange(len(labels), len(values)))


@dataclass(frozen=True, eq=False)
class PhotoData:
    """All that a `PhotoProblem` needs.

    parts: "train", "validation" and "test". source: what the images are. web: the images of web queries for a class of
    the test, (N, d) descriptors or pictures, and that class, by the name of the query, "orange/top".
    """

    parts: dict[str, Part]
    source: str
    web: dict[str, tuple[Tensor | Pictures, int]]


def load_photo_data(config: Config) -> PhotoData:
    """The data that a config names, described by its backbone; cached, so only the first time takes minutes.

    Foreign images come from Caltech-101: half of them for training and validation, the other half for the test.
    Raises S2MError where the photographs are not there.
    """
    backbone = load_backbone(config.backbone)
    names = [config.data, "caltech101", *(["google_web"] if config.data == "grocery_store" else [])]
    photos = {name: load_photos(name) for name in names}
    found = {name: described(images, backbone, config.layer) for name, images in photos.items()}

    def values(*chosen: tuple[str, Descriptors]) -> Tensor | Pictures:
        if config.fine_tune:
            return Pictures([(photos[name], each.files) for name, each in chosen], backbone.prepare)
        return torch.from_numpy(np.concatenate([each.values for _, each in chosen])).float()

    parts = {}
    for part in PARTS:
        own = found[config.data].select(load_split(config.data, part))
        foreign = among(found["caltech101"], load_foreign("test" if part == "test" else "train"))
        parts[part] = Part.of(values((config.data, own), ("caltech101", foreign)), own)
    web = {}
    if "google_web" in found:
        for name in found["google_web"].classes:
            if (query := name.partition("/")[0]) in QUERY_CLASSES:
                images = values(("google_web", found["google_web"].select([name])))
                web[name] = images, parts["test"].classes.index(QUERY_CLASSES[query])
    return PhotoData(parts, photos[config.data].source, web)


@torch.no_grad()
def described(images: ImageSet, backbone: Backbone, layer: str) -> Descriptors:
    """Descriptors of a set of photographs: the backbone's features, or its outputs."""
    found = describe_photos(images, backbone)
    if layer == "features":
        return found
    return replace(found, values=backbone.classify(torch.from_numpy(found.values).float()).numpy())


def among(found: Descriptors, files: Collection[str]) -> Descriptors:
    """The descriptors of these files."""
    kept = np.flatnonzero(np.isin(found.files, list(files)))
    ranks = None if found.ranks is None else found.ranks[kept]
    names = tuple(found.files[index] for index in kept)
    return replace(found, values=found.values[kept], labels=found.labels[kept], files=names, ranks=ranks)
