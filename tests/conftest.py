"""What every test shares: one thread, repeatable hypothesis examples, and the paths of the repository."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is imported: two threads on a busy machine are far slower

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import settings
from torch import nn

import s2m  # noqa: F401 it lets torchvision be imported, whichever test module does so first
from s2m.backbones import Backbone, Preparation  # s2m lets torchvision be imported, whichever module does so first

# The same examples on every machine and every run; no deadline, since the first fit of a session is slow.
settings.register_profile("s2m", deadline=None, derandomize=True, database=None)
settings.load_profile("s2m")


@pytest.fixture(scope="session")
def root() -> Path:
    """Root folder of the repository."""
    return Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def make_backbone() -> Callable[..., Backbone]:
    """A backbone of a few weights: 8 x 8 pixels to 5 features, with layers that would behave otherwise in training."""

    def make(
        name: str = "small", preparation: Preparation | None = None, fast: bool = False, seed: int = 0
    ) -> Backbone:
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            body = nn.Sequential(
                nn.Conv2d(3, 5, 3), nn.BatchNorm2d(5), nn.ReLU(), nn.Dropout(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
            )
            return Backbone(name, body, nn.Linear(5, 7), preparation or Preparation(10, 8), fast)

    return make
