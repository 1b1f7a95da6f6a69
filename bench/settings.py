"""The sizes at which a fit and its gradient are measured, and a problem of each size."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor


@dataclass(frozen=True)
class Setting:
    """B sets of N examples of n dimensions, k components each."""

    sets: int
    examples: int
    size: int
    components: int


@dataclass(frozen=True)
class Plan:
    """Where the ways to a gradient are compared, one set as large as they come, and where fits alone are compared."""

    base: Setting
    large: Setting
    fits: Setting


FULL = Plan(base=Setting(16, 50, 128, 4), large=Setting(1, 100, 4096, 4), fits=Setting(64, 100, 128, 4))
QUICK = Plan(base=Setting(2, 10, 4, 2), large=Setting(1, 20, 8, 2), fits=Setting(3, 20, 4, 2))
VARIED = {"size": (8, 32, 256, 512), "examples": (10, 100), "components": (2, 8), "sets": (1, 4, 32)}


def sweeps(base: Setting) -> list[Setting]:
    """From the base, one of n, N, k and B at a time."""
    return [replace(base, **{name: value}) for name, values in VARIED.items() for value in values]


def problem(setting: Setting) -> tuple[Tensor, Tensor]:
    """Clusters of standard deviation 1 whose centres lie some 4 apart; x (B, N, n) float64, and labels (B, N), a third
    of them drawn anew."""
    generator = torch.Generator().manual_seed(0)
    shape, k = (setting.sets, setting.examples), setting.components
    centres = torch.randn(setting.sets, k, setting.size, generator=generator, dtype=torch.float64)
    labels = (torch.arange(setting.examples) % k).expand(shape)
    noise = torch.randn(*shape, setting.size, generator=generator, dtype=torch.float64)
    x = 3 / setting.size**0.5 * centres[:, labels[0]] + noise
    other = torch.randint(k, shape, generator=generator)
    return x, torch.where(torch.rand(shape, generator=generator) < 1 / 3, other, labels)
