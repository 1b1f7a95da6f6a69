"""Networks that turn an image into a descriptor."""

from __future__ import annotations

from torch import Tensor, nn

from s2m.errors import S2MError


class Conv4(nn.Sequential):
    """Four blocks of 3x3 convolution with 64 filters, batch normalisation, ReLU and 2x2 max pooling.

    Images (B, 1, 28, 28) in [0, 1], ink = 1, to descriptors (B, 64), not normalised. The network of Matching Nets, used
    by the paper for Omniglot classification. Explained in the chapter "Omniglot".

    >>> import torch
    >>> Conv4()(torch.zeros(2, 1, 28, 28)).shape
    torch.Size([2, 64])
    """

    size = 64

    def __init__(self, channels: int = 1) -> None:
        super().__init__(*(block(channels if i == 0 else self.size, self.size) for i in range(4)), nn.Flatten())


class LeNet(nn.Sequential):
    """Two 5x5 convolutions (20 and 50 filters, each max-pooled), 500 hidden units, 100-d descriptors.

    Images (B, 1, 28, 28) in [0, 1], ink = 1, to descriptors (B, 100), not normalised. The network of the paper's
    Omniglot retrieval; the paper names it without its widths, which are those of the LeNet that comes with Caffe.
    Explained in the chapter "Omniglot".

    >>> import torch
    >>> LeNet()(torch.zeros(2, 1, 28, 28)).shape
    torch.Size([2, 100])
    """

    size = 100

    def __init__(self, channels: int = 1) -> None:
        super().__init__(
            nn.Conv2d(channels, 20, 5),
            nn.MaxPool2d(2),
            nn.Conv2d(20, 50, 5),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(50 * 4 * 4, 500),
            nn.ReLU(),
            nn.Linear(500, self.size),
        )


def block(channels_in: int, channels_out: int) -> nn.Sequential:
    """One block of `Conv4`: it halves height and width, rounding down.

    Pooled first, a quarter of the numbers is left for the ReLU; values and gradients are those of the other order.
    """
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, 3, padding=1), nn.BatchNorm2d(channels_out), nn.MaxPool2d(2), nn.ReLU()
    )


EMBEDDINGS = {"conv4": Conv4, "lenet": LeNet}


def build_embedding(name: str) -> nn.Module:
    """An embedding by its name in a config. Raises S2MError on a name that is not in `EMBEDDINGS`."""
    if name not in EMBEDDINGS:
        raise S2MError(f"no embedding is called {name!r}: give one of {', '.join(EMBEDDINGS)}")
    return EMBEDDINGS[name]()


def weight_count(module: nn.Module) -> int:
    """The number of learned weights."""
    return sum(parameter.numel() for parameter in module.parameters())


def as_images(pixels: Tensor) -> Tensor:
    """uint8 pixels (..., H, W), ink = 255, to float images (..., 1, H, W) in [0, 1]."""
    return pixels.float().div(255).unsqueeze(-3)
