"""A photograph cut and scaled as the networks' own programs do it."""

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.models import AlexNet_Weights

from s2m.backbones import Preparation


def smooth(width: int, height: int) -> Image.Image:
    """Slow waves, so that half a pixel of difference in where a cut begins changes little."""
    across, down = np.meshgrid(np.arange(width) / 40, np.arange(height) / 30)
    waves = np.stack([np.sin(across), np.cos(down), np.sin(across + down)], -1)
    return Image.fromarray((127 + 120 * waves).astype(np.uint8))


@pytest.mark.parametrize("size", [(500, 375), (375, 500), (128, 300), (224, 224)])
def test_as_torchvision_prepares(size: tuple[int, int]) -> None:
    photo = smooth(*size)
    expected = AlexNet_Weights.DEFAULT.transforms()(photo)
    found = Preparation(256, 224)(photo)
    # torchvision rounds the size before it cuts, half a pixel at most; the waves change by 6 grey levels a pixel or
    # less, a level is 1 / (255 * 0.224), and enlarging spreads this further.
    assert (found - expected).abs().mean() < 3 / (255 * 0.224)


def test_caffe_s_colours() -> None:
    """One colour in, the same in blue, green, red, less the mean, out of 255."""
    mean = (104 / 255, 117 / 255, 123 / 255)
    prepared = Preparation(256, 224, mean, (1 / 255,) * 3, reverse=True)(Image.new("RGB", (50, 40), (200, 100, 50)))
    torch.testing.assert_close(prepared[:, 3, 5], torch.tensor([50.0 - 104, 100 - 117, 200 - 123]), rtol=1e-5, atol=0)
    assert prepared.dtype == torch.float32


@pytest.mark.parametrize("size", [(1, 1), (1, 60_000), (3, 2)])
def test_any_shape(size: tuple[int, int]) -> None:
    """A strip is cut before it is enlarged: enlarged first it would be gigabytes."""
    prepared = Preparation(256, 224, filter="bicubic")(Image.new("RGB", size, "white"))
    assert prepared.shape == (3, 224, 224)
    torch.testing.assert_close(prepared[0], torch.full((224, 224), (1 - 0.485) / 0.229), rtol=1e-5, atol=0)
