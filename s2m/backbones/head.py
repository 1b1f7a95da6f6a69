"""The layer that is learned: on cached features, or with the network below it."""

from __future__ import annotations

from PIL import Image
from torch import Tensor, nn

from s2m.backbones.backbone import Backbone


class Head(nn.Linear):
    """The new last layer: pooled features (B, d) to descriptors (B, size), not normalised.

    With a bias, as the layer that it replaces: pooled features are positive, so all images share a large mean, and the
    bias can take it off before descriptors are brought to length 1. Explained in the chapter "Descriptors".

    >>> import torch
    >>> Head(1280)(torch.zeros(2, 1280)).shape
    torch.Size([2, 128])
    """

    def __init__(self, inputs: int, size: int = 128) -> None:
        super().__init__(inputs, size)
        self.size = size


class PhotoEmbedding(nn.Module):
    """A backbone and a head: prepared images (B, 3, H, W) to descriptors (B, size), all of it learned.

    The backbone is taken over, no copy is made, and its weights learn from now on. A head that was trained on cached
    features goes on top as it is. Explained in the chapter "Descriptors".

    Args:
        backbone: from `load_backbone`.
        head: features (B, d) to descriptors (B, size); by default a new `Head`.
        size: of a new head's descriptors; the paper's is 128.

    >>> from s2m.backbones import load_backbone
    >>> embedding = PhotoEmbedding(load_backbone("efficientnet-lite0"))
    >>> embedding(embedding.prepare(Image.new("RGB", (640, 480))).unsqueeze(0)).shape
    torch.Size([1, 128])
    """

    def __init__(self, backbone: Backbone, head: nn.Module | None = None, size: int = 128) -> None:
        super().__init__()
        self.backbone, self.head = backbone, head or Head(backbone.size, size)
        backbone.body.requires_grad_(True)

    def prepare(self, photo: Image.Image) -> Tensor:
        """As `Backbone.prepare`."""
        return self.backbone.prepare(photo)

    def forward(self, images: Tensor) -> Tensor:
        """Descriptors (B, size) of prepared images (B, 3, H, W)."""
        return self.head(self.backbone(images))
