"""Rank a folder of images by a folder of examples."""

from __future__ import annotations

import os
from pathlib import Path

import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as transforms

from s2m.images import list_images, read_photo
from s2m.layer import RelevanceNet


def read_drawing(path: Path, side: int = 28) -> Tensor:
    """A drawing as the character networks want it: (1, side, side) in [0, 1], ink = 1, whichever of ink and paper is
    dark.

    Ink is taken to be what covers less of the image. Raises S2MError naming the file if it is not a readable image.
    """
    grey = read_photo(path).convert("L")
    pixels = transforms.to_dtype(transforms.pil_to_tensor(grey), torch.float32, scale=True)
    pixels = transforms.resize(pixels, [side, side], antialias=True)
    return 1 - pixels if pixels.mean() > 0.5 else pixels


@torch.no_grad()
def rank_folder(
    network: RelevanceNet, examples: str | os.PathLike[str], collection: str | os.PathLike[str], batch: int = 500
) -> list[tuple[Path, float]]:
    """The images of a collection, the most relevant to the examples first, with their relevances.

    Raises:
        S2MError: a folder that is missing or holds no image, or an image that cannot be read.
    """
    network.eval()
    concept = torch.stack([read_drawing(path) for path in list_images(examples)])
    score = network.fit(concept.unsqueeze(0).to(network.device))
    paths, relevances = list_images(collection), []
    for start in range(0, len(paths), batch):
        images = torch.stack([read_drawing(path) for path in paths[start : start + batch]])
        relevances += score(network.describe(images.to(network.device)))[0].tolist()
    return sorted(zip(paths, relevances, strict=True), key=lambda pair: -pair[1])
