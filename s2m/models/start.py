"""Where EM starts: the best of several k-means++ starts, or a mixture that is given."""

from __future__ import annotations

import torch
from torch import Tensor

from s2m.errors import S2MError
from s2m.models.checks import check_variances
from s2m.models.curvature import Point
from s2m.models.mixture import Mixture
from s2m.models.steps import Step

# Squared distances below this share of a set's spread are rounding: such examples count as duplicates.
DUPLICATE = 1e-20
TRY_STEPS = 5  # EM steps that each random start gets before the best one goes on alone


def seed_centres(
    x: Tensor, w: Tensor, components: int, generator: torch.Generator, restarts: int = 1
) -> tuple[Tensor, Tensor]:
    """k-means++ (Arthur and Vassilvitskii, 2007) for every set of a batch.

    Each further centre is an example drawn with probability proportional to weight times squared distance to the
    nearest centre so far. Where a set has fewer distinct examples than components, the surplus is marked as not held.

    x: (B, N, n) and w: (B, N), float64, each set `restarts` times in a row. Returns centres (B, k, n) and held (B, k).
    """
    rows = torch.arange(len(x), device=x.device)
    spread = (w * (x - (w.unsqueeze(1) @ x) / w.sum(1)[:, None, None]).square().sum(-1)).sum(1) / w.sum(1)
    odds, nearest = w, torch.full_like(w, torch.inf)
    centres, held = [], []
    for _ in range(components):
        # The largest of log odds + Gumbel noise is a draw in proportion to the odds. All sets have the same noise, laid
        # out example by example from a seed of its own: neither padding nor the other sets change what a set draws.
        seed = int(torch.randint(2**62, (), generator=generator))
        noise = torch.rand(x.shape[1], restarts, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        gumbel = -(-noise.clamp(1e-300, 1 - 1e-16).log()).log().T.to(x.device).repeat(len(x) // restarts, 1)
        chosen = (odds.log() + gumbel).argmax(1)
        held.append((odds > 0).any(1))
        centres.append(x[rows, chosen])
        nearest = torch.minimum(nearest, (x - centres[-1].unsqueeze(1)).square().sum(-1))
        nearest = torch.where(nearest <= DUPLICATE * spread.unsqueeze(1), 0.0, nearest)
        odds = w * nearest
    return torch.stack(centres, 1), torch.stack(held, 1)


def assign(x: Tensor, centres: Tensor, held: Tensor) -> Tensor:
    """Responsibilities (B, N, k) that give every example wholly to its nearest held centre."""
    distance = (x.unsqueeze(2) - centres.unsqueeze(1)).square().sum(-1)
    distance = torch.where(held.unsqueeze(1), distance, torch.inf)
    return torch.nn.functional.one_hot(distance.argmin(-1), centres.shape[1]).to(x.dtype)


def best_start(step: Step, components: int, generator: torch.Generator, restarts: int) -> Point:
    """The most promising of several k-means++ starts, each given a few EM steps."""
    sets = torch.arange(len(step.x), device=step.x.device)
    many = step.take(sets.repeat_interleave(restarts))
    centres, held = seed_centres(many.x, many.w, components, generator, restarts)
    point = many.maximise(assign(many.x, centres, held), rough=True)
    for _ in range(TRY_STEPS):
        point = many.maximise(many.expect(point)[0], rough=True).where(~point.collapsed(), point)
    objective = torch.where(point.collapsed(), -torch.inf, many.expect(point)[1])
    best = objective.reshape(-1, restarts).argmax(1)
    point = point.take(sets * restarts + best)
    check_variances(point.variances, point.weights > 0)  # raised only where every start collapsed
    return point


def warm_start(start: Mixture, centre: Tensor, components: int) -> Point:
    """A given mixture as a starting point, in the centred frame."""
    shape = (len(centre), components, centre.shape[-1])
    if start.means.shape != shape:
        raise S2MError(f"the start has means of shape {tuple(start.means.shape)}: give {shape}")
    return Point(
        start.weights.detach().double(), start.means.detach().double() - centre, start.variances.detach().double()
    )
