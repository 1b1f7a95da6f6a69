"""What the tests of the set models share: problems to fit, the objective written out plainly, and ways to compare."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from hypothesis import strategies as st
from torch import Tensor

from s2m.models import Mixture


def random_generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def clusters(seed: int, count: int, size: int, components: int, distance: float, scale: float = 0.1) -> Tensor:
    """A set (count, size), float64: `components` clusters of standard deviation `scale`, their centres some `distance`
    standard deviations apart; every cluster has an example where there are enough."""
    generator = random_generator(seed)
    centres = torch.randn(components, size, generator=generator, dtype=torch.float64) * distance
    noise = torch.randn(count, size, generator=generator, dtype=torch.float64)
    return scale * (centres[torch.arange(count) % components] + noise)


@dataclass(frozen=True)
class Case:
    """One set to fit: examples (N, n), weights (N,) and how many components."""

    x: Tensor
    w: Tensor
    components: int


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Small sets of every awkward kind: single examples, duplicates, N < k, constant dimensions, any spread."""
    count, size = draw(st.integers(1, 12)), draw(st.integers(1, 5))
    components = draw(st.integers(1, 4))
    scale = draw(st.sampled_from([1e-3, 0.1, 1.0, 30.0]))
    x = clusters(draw(st.integers(0, 9999)), count, size, components, draw(st.sampled_from([0.0, 2.0, 8.0])), scale)
    if draw(st.booleans()):  # duplicates
        x = x[torch.arange(count) // 2]
    if draw(st.booleans()):
        x[:, 0] = 0.25
    w = torch.tensor(draw(st.lists(st.integers(1, 3), min_size=count, max_size=count)), dtype=torch.float64)
    return Case(x, w, components)


def objective(x: Tensor, w: Tensor, a: Tensor, means: Tensor, s: Tensor, alpha: float, beta: float) -> Tensor:
    """J, written out for one set: x (N, n), w (N,), a (k,) with pi = softmax(a), means and s = log variances (k, n)."""
    square = (x.unsqueeze(1) - means).square() / s.exp()
    log_normal = -0.5 * (square + s + math.log(2 * math.pi)).sum(-1)  # (N, k)
    likelihood = (w * (a.log_softmax(0) + log_normal).logsumexp(1)).sum()
    return likelihood - (alpha * s + beta * (-s).exp()).sum()


def one_set(density: Mixture, index: int) -> Mixture:
    """Set `index` of a batch, as a batch of one."""
    place = slice(index, index + 1)
    return Mixture(density.weights[place], density.means[place], density.variances[place])


def assert_same(found: Mixture, expected: Mixture, tolerance: float) -> None:
    """Weights, means in standard deviations and log variances agree; an empty component has no place to compare."""
    torch.testing.assert_close(found.weights, expected.weights, rtol=0, atol=tolerance)
    held = (expected.weights > 0).unsqueeze(-1)
    shift = torch.where(held, (found.means - expected.means) / expected.variances.sqrt(), 0.0)
    growth = torch.where(held, (found.variances / expected.variances).log(), 0.0)
    assert shift.abs().max() <= tolerance, f"means differ by {shift.abs().max():.1e} standard deviations"
    assert growth.abs().max() <= tolerance, f"variances differ by {growth.abs().max():.1e} in log"
