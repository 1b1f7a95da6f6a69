"""What a problem of photographs is made from: cached descriptors of a collection, of foreign images, of web queries."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from s2m.backbones import Backbone, load_backbone
from s2m.config import Config
from s2m.datasets import QUERY_CLASSES, load_foreign, load_photos, load_split
from s2m.datasets.splits import PARTS
from s2m.descriptors import Descriptors, describe_photos
from s2m.problems.photo_sets import by_class


@dataclass(frozen=True, eq=False)
class Part:
    """One part of a collection, and the foreign images that may get into its concept sets.

    values: (M + F, d) descriptors, the foreign ones last; labels: (M,) the class of each image, a place in `classes`;
    members: the places of the images of each class; strangers: (F,) those of the foreign images.
    """

    values: Tensor
    labels: np.ndarray
    classes: tuple[str, ...]
    members: list[np.ndarray]
    strangers: np.ndarray

    @classmethod
    def of(cls, collection: Descriptors, foreign: np.ndarray) -> Part:
        """A part from the descriptors of a collection, and those (F, d) of foreign images."""
        count, classes = len(collection.labels), collection.classes
        values = torch.from_numpy(np.concatenate([collection.values, foreign])).float()
        members = by_class(collection.labels, len(classes))
        return cls(values, collection.labels, classes, members, np.arange(count, len(values)))


@dataclass(frozen=True, eq=False)
class PhotoData:
    """All that a `PhotoProblem` needs.

    parts: "train", "validation" and "test". web: the images of web queries for a class of the test, (N, d) descriptors
    and that class by the name of the query, "orange/top"; source: what the images are.
    """

    parts: dict[str, Part]
    source: str
    web: dict[str, tuple[Tensor, int]]


def load_photo_data(config: Config) -> PhotoData:
    """The data that a config names, described by its backbone; cached, so only the first time takes minutes.

    Foreign images come from Caltech-101: half of them for training and validation, the other half for the test.
    Raises S2MError where the photographs are not there.
    """
    backbone = load_backbone(config.backbone)
    collection = described(config.data, backbone, config.layer)
    background = described("caltech101", backbone, config.layer).select(["BACKGROUND_Google"])
    parts = {}
    for part in PARTS:
        half = load_foreign("test" if part == "test" else "train")
        foreign = background.values[np.isin(background.files, half)]
        parts[part] = Part.of(collection.select(load_split(config.data, part)), foreign)
    web = {}
    if config.data == "grocery_store":
        found, test = described("google_web", backbone, config.layer), parts["test"].classes
        for name in found.classes:
            if (query := name.partition("/")[0]) in QUERY_CLASSES:
                images = torch.from_numpy(found.select([name]).values).float()
                web[name] = images, test.index(QUERY_CLASSES[query])
    return PhotoData(parts, collection.source, web)


@torch.no_grad()
def described(name: str, backbone: Backbone, layer: str) -> Descriptors:
    """Descriptors of a set of photographs: the backbone's features, or its outputs."""
    found = describe_photos(load_photos(name), backbone)
    if layer == "features":
        return found
    return replace(found, values=backbone.classify(torch.from_numpy(found.values).float()).numpy())
