"""More drawings from those at hand: every one a little turned, scaled and shifted while a network learns."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

DEGREES, SCALE, SHIFT = 10.0, 0.1, 0.07  # at most: turned, larger or smaller, shifted as a share of the side (2 of 28)


def jitter(images: Tensor, rng: np.random.Generator) -> Tensor:
    """Images (B, C, H, W), ground = 0, each turned, scaled and shifted by uniform chance; the same shape.

    The steps are small, so that a character stays itself; quarter turns make other classes, see `Characters.rotated`.
    The same generator gives the same images. Explained in the chapter "Beyond the paper".

    >>> jitter(torch.ones(2, 1, 28, 28), np.random.default_rng(0)).shape
    torch.Size([2, 1, 28, 28])
    """
    angle, scale, right, down = rng.uniform(-1, 1, (4, len(images)))
    angle, scale = np.deg2rad(DEGREES * angle), 1 + SCALE * scale
    cos, sin = np.cos(angle) / scale, np.sin(angle) / scale
    # Each row gives one coordinate, within -1 .. 1, of where in the image a pixel of the result is taken from.
    maps = np.stack([np.stack([cos, -sin, 2 * SHIFT * right], 1), np.stack([sin, cos, 2 * SHIFT * down], 1)], 1)
    grid = affine_grid(torch.from_numpy(maps).to(images), list(images.shape), align_corners=False)
    return grid_sample(images, grid, align_corners=False)
