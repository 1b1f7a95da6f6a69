"""Set2Model networks: rank images by the density of a few examples, learned end to end.

>>> import torch, s2m
>>> network = s2m.Set2Model(s2m.Conv4(), components=2).eval()
>>> network(torch.rand(1, 5, 1, 28, 28), torch.rand(1, 3, 1, 28, 28)).shape  # 5 examples, 3 queries
torch.Size([1, 3])
"""

from s2m._torchvision import declare_missing_operators

declare_missing_operators()  # before anything imports torchvision

from s2m.backbones import Backbone, Head, PhotoEmbedding, load_backbone  # noqa: E402
from s2m.datasets import (  # noqa: E402
    Characters,
    ImageSet,
    generate_characters,
    load_characters,
    load_photos,
    load_split,
    split_characters,
)
from s2m.descriptors import Descriptors, describe_photos  # noqa: E402
from s2m.embeddings import Conv4, LeNet  # noqa: E402
from s2m.errors import S2MError  # noqa: E402
from s2m.layer import RelevanceNet, Set2Model  # noqa: E402
from s2m.losses import HistogramLoss  # noqa: E402
from s2m.models import Mixture, VariancePrior, fit_gaussian, fit_mixture, select_components  # noqa: E402
from s2m.runs import load_run  # noqa: E402
from s2m.search import rank_folder  # noqa: E402

__all__ = [
    "Backbone",
    "Characters",
    "Conv4",
    "Descriptors",
    "Head",
    "HistogramLoss",
    "ImageSet",
    "LeNet",
    "Mixture",
    "PhotoEmbedding",
    "RelevanceNet",
    "S2MError",
    "Set2Model",
    "VariancePrior",
    "describe_photos",
    "fit_gaussian",
    "fit_mixture",
    "generate_characters",
    "load_backbone",
    "load_characters",
    "load_photos",
    "load_run",
    "load_split",
    "rank_folder",
    "select_components",
    "split_characters",
]
