"""More drawings from those at hand: each a little turned, scaled and shifted, to learn from or to look at again."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import affine_grid, grid_sample

DEGREES, SCALE, SHIFT = 10.0, 0.1, 0.07  # at most: turned, larger or smaller, shifted as a share of the side (2 of 28)
LOOKS = np.concatenate([np.zeros((1, 4)), np.eye(4), -np.eye(4)])  # as it is, and the most of each change, either way


def jitter(images: Tensor, rng: np.random.Generator) -> Tensor:
    """Images (B, C, H, W), ground = 0, each turned, scaled and shifted by uniform chance; the same shape.

    The steps are small, so that a character stays itself; quarter turns make other classes, see `Characters.rotated`.
    The same generator gives the same images. Explained in the chapter "Beyond the paper".

    >>> jitter(torch.ones(2, 1, 28, 28), np.random.default_rng(0)).shape
    torch.Size([2, 1, 28, 28])
    """
    return moved(images, rng.uniform(-1, 1, (4, len(images))))


class NineLooks(nn.Module):
    """An embedding that looks at every image nine times: the mean descriptor of it and of eight small changes of it.

    The changes are the largest that `jitter` makes: turned, scaled and shifted across and down, each either way. Images
    (B, C, H, W), ground = 0, to descriptors (B, n), for nine times the price. Nothing is learned, so any network that
    has been trained may look again. Explained in the chapter "Beyond the paper".

    >>> from s2m import Conv4, Set2Model
    >>> network = Set2Model(Conv4())
    >>> network.embedding = NineLooks(network.embedding)
    >>> network.describe(torch.zeros(2, 1, 28, 28)).shape
    torch.Size([2, 64])
    """

    def __init__(self, embedding: nn.Module) -> None:
        super().__init__()
        self.embedding = embedding

    @property
    def size(self) -> int:
        """The numbers of a descriptor."""
        return self.embedding.size

    def forward(self, images: Tensor) -> Tensor:
        """The mean of nine descriptors of each image."""
        return torch.stack([self.embedding(look) for look in self.looks(images)]).mean(0)

    def looks(self, images: Tensor) -> Tensor:
        """What is looked at: (9, B, C, H, W), first the images themselves, but for rounding."""
        return torch.stack([moved(images, np.tile(amounts, (len(images), 1)).T) for amounts in LOOKS])


def moved(images: Tensor, amounts: np.ndarray) -> Tensor:
    """Each image turned, scaled, shifted to the right and down by its `amounts` (4, B) of the most, from -1 to 1."""
    angle, scale, right, down = amounts
    angle, scale = np.deg2rad(DEGREES * angle), 1 + SCALE * scale
    cos, sin = np.cos(angle) / scale, np.sin(angle) / scale
    # Each row gives one coordinate, within -1 .. 1, of where in the image a pixel of the result is taken from.
    maps = np.stack([np.stack([cos, -sin, 2 * SHIFT * right], 1), np.stack([sin, cos, 2 * SHIFT * down], 1)], 1)
    grid = affine_grid(torch.from_numpy(maps).to(images), list(images.shape), align_corners=False)
    return grid_sample(images, grid, align_corners=False)
