"""A photograph as a network wants it: each was trained with its own size, scale and order of colours."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms.v2 import functional as transforms

Triple = tuple[float, float, float]


@dataclass(frozen=True)
class Preparation:
    """The middle square of a photograph at a network's size, its colours shifted and scaled: (3, crop, crop) float32.

    resize, crop: the square is crop / resize of the shorter side, as if that side had been made `resize` pixels long
        and `crop` were cut out. Cutting first costs the same for a strip of 1 x 100,000 pixels as for any other.
    mean, std: of each channel, colours in [0, 1].
    reverse: blue, green, red instead of red, green, blue.
    filter: "bilinear" or "bicubic", of Pillow, antialiased.

    Explained in the chapter "Descriptors".

    >>> Preparation(256, 224)(Image.new("RGB", (640, 480))).shape
    torch.Size([3, 224, 224])
    """

    resize: int
    crop: int
    mean: Triple = (0.485, 0.456, 0.406)
    std: Triple = (0.229, 0.224, 0.225)
    reverse: bool = False
    filter: str = "bilinear"

    def __call__(self, photo: Image.Image) -> Tensor:
        """photo: RGB, 8 bit, of any size."""
        width, height = photo.size
        side = min(width, height) * self.crop / self.resize
        left, top = (width - side) / 2, (height - side) / 2
        box = (left, top, left + side, top + side)
        square = photo.resize((self.crop, self.crop), Image.Resampling[self.filter.upper()], box)
        pixels = transforms.to_dtype(transforms.pil_to_tensor(square), torch.float32, scale=True)
        pixels = pixels.flip(0) if self.reverse else pixels
        return transforms.normalize(pixels, list(self.mean), list(self.std))
