"""Networks trained on ImageNet, as they come: photographs to features, and the layer that is learned on these."""

from s2m.backbones.backbone import Backbone
from s2m.backbones.head import Head, PhotoEmbedding
from s2m.backbones.loading import load_backbone
from s2m.backbones.preparation import Preparation

__all__ = ["Backbone", "Head", "PhotoEmbedding", "Preparation", "load_backbone"]
