"""One interface for every pretrained network."""

from __future__ import annotations

import hashlib

import torch
from PIL import Image
from torch import Tensor, nn

from s2m.backbones.preparation import Preparation
from s2m.errors import S2MError


class Backbone(nn.Module):
    """A network without its last layer: images (B, 3, H, W) to pooled features (B, d), not normalised.

    Frozen and always in evaluation mode, so that an image's features do not depend on its company; fine-tuning keeps
    the statistics of batch normalisation as they were learned, since a tuple of two concepts would give itself away by
    its own. Got from `load_backbone`. Explained in the chapter "Descriptors".

    name: as `load_backbone` knows it.
    size: d.
    preparation: how a photograph is made an image.

    >>> backbone = Backbone("pixels", nn.Flatten(), nn.Linear(3 * 8 * 8, 1000), Preparation(10, 8))
    >>> image = backbone.prepare(Image.new("RGB", (64, 48)))
    >>> image.shape, backbone(image.unsqueeze(0)).shape
    (torch.Size([3, 8, 8]), torch.Size([1, 192]))
    """

    def __init__(
        self, name: str, body: nn.Module, classifier: nn.Linear, preparation: Preparation, fast: bool = False
    ) -> None:
        super().__init__()
        self.name, self.size, self.preparation, self.fast = name, classifier.in_features, preparation, fast
        self.body, self.classifier = body, classifier
        self.requires_grad_(False).eval().to(memory_format=torch.channels_last)  # a third faster on a processor

    @property
    def identity(self) -> str:
        """sha256 (hex) of all that an image's features depend on: weights as they now are, preparation, arithmetic."""
        total = hashlib.sha256(f"{self.name} {self.preparation} {self.fast}".encode())
        for name, value in sorted(self.state_dict().items()):
            total.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
            total.update(value.cpu().contiguous().numpy().data)
        return total.hexdigest()

    def train(self, mode: bool = True) -> Backbone:
        """Does nothing: a backbone stays in evaluation mode."""
        return super().train(False)

    def prepare(self, photo: Image.Image) -> Tensor:
        """A photograph (RGB, 8 bit) as this network wants it: (3, H, W)."""
        return self.preparation(photo)

    def forward(self, images: Tensor) -> Tensor:
        """Pooled features (B, d), float32, of prepared images (B, 3, H, W). Raises S2MError on another shape."""
        if images.ndim != 4 or images.shape[1] != 3:
            raise S2MError(f"images have shape {tuple(images.shape)}: give (B, 3, H, W), each from `prepare`")
        with torch.autocast(images.device.type, torch.bfloat16, enabled=self.fast):
            features = self.body(images.contiguous(memory_format=torch.channels_last))
        return features.float() if self.fast else features

    def classify(self, features: Tensor) -> Tensor:
        """The outputs for the 1000 classes of ImageNet (B, 1000) from pooled features (B, d): the paper's pre-learned
        descriptor."""
        return self.classifier(features)
