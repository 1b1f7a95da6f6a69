"""Rank a folder of images by a folder of examples."""

from __future__ import annotations

import itertools
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms.v2 import functional as transforms

from s2m.errors import S2MError
from s2m.images import list_images, read_photo
from s2m.layer import RelevanceNet
from s2m.reading import read_ahead

_log = logging.getLogger(__name__)


def read_drawing(path: Path, side: int = 28) -> Tensor:
    """A drawing as the character networks want it: (1, side, side) in [0, 1], ink = 1, whichever of ink and paper is
    dark.

    Ink is taken to be what covers less of the image. Raises S2MError naming the file if it is not a readable image.
    """
    return prepare_drawing(read_photo(path), side)


def prepare_drawing(photo: Image.Image, side: int = 28) -> Tensor:
    """As `read_drawing`, of an image that was read."""
    pixels = transforms.to_dtype(transforms.pil_to_tensor(photo.convert("L")), torch.float32, scale=True)
    pixels = transforms.resize(pixels, [side, side], antialias=True)
    return 1 - pixels if pixels.mean() > 0.5 else pixels


@torch.no_grad()
def rank_folder(
    network: RelevanceNet, examples: str | os.PathLike[str], collection: str | os.PathLike[str], batch: int = 64
) -> list[tuple[Path, float]]:
    """The images of a collection, the most relevant to the examples first, with their relevances.

    A network whose embedding has a `prepare` gets photographs made ready by it, any other gets drawings. What cannot be
    read is left out, examples too, and a warning names it. A pretrained network needs no training:
    ``rank_folder(Set2Model(load_backbone(), components=2), "oranges", "fruit")``.

    batch: images that pass the network together.

    Raises:
        S2MError: a folder that is missing or holds no image that can be read, or what the relevance's `fit` raises.

    >>> from tempfile import TemporaryDirectory
    >>> from s2m import Set2Model, load_backbone
    >>> colours = {"examples/1": "orange", "examples/2": "darkorange", "fruit/orange": "orange", "fruit/plum": "indigo"}
    >>> with TemporaryDirectory() as folder:
    ...     for file, colour in colours.items():
    ...         Path(folder, file).parent.mkdir(exist_ok=True)
    ...         Image.new("RGB", (64, 48), colour).save(f"{folder}/{file}.png")
    ...     ranking = rank_folder(Set2Model(load_backbone()), f"{folder}/examples", f"{folder}/fruit")
    >>> [path.name for path, relevance in ranking]
    ['orange.png', 'plum.png']
    """
    network.eval()
    concept = torch.cat([network.describe(images) for _, images in batches(network, examples, batch)])
    score = network.relevance.fit(concept.unsqueeze(0))
    ranking: list[tuple[Path, float]] = []
    for paths, images in batches(network, collection, batch):
        ranking += zip(paths, score(network.describe(images))[0].tolist(), strict=True)
    return sorted(ranking, key=lambda pair: -pair[1])


def batches(
    network: RelevanceNet, folder: str | os.PathLike[str], batch: int
) -> Iterator[tuple[tuple[Path, ...], Tensor]]:
    """The images of a folder, ready for a network and on its device, at most `batch` at once.

    Raises S2MError where the folder is missing or none of its images can be read.
    """
    stream = readable(network, list_images(folder))
    pairs = list(itertools.islice(stream, batch))
    if not pairs:
        raise S2MError(f"no image in {folder} can be read: give a folder of images")
    while pairs:
        paths, images = zip(*pairs)
        yield paths, torch.stack(images).to(network.device)
        pairs = list(itertools.islice(stream, batch))


def readable(network: RelevanceNet, paths: list[Path]) -> Iterator[tuple[Path, Tensor]]:
    """Every image that can be read, ready for a network; a warning for each other."""
    prepare = getattr(network.embedding, "prepare", prepare_drawing)
    for path, image in read_ahead(lambda path: prepare(read_photo(path)), paths):
        if isinstance(image, S2MError):
            _log.warning("left out: %s", image)
        else:
            yield path, image
