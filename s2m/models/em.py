"""Expectation maximisation for a batch of diagonal mixtures, finished by Newton steps."""

from __future__ import annotations

import warnings

import torch
from torch import Tensor

from s2m.errors import ConvergenceWarning, S2MError
from s2m.models.checks import check_set, check_variances
from s2m.models.curvature import Point
from s2m.models.gaussian import fit_gaussian
from s2m.models.mixture import FitRecord, Mixture
from s2m.models.prior import DEFAULT_PRIOR, VariancePrior, natural_parameters
from s2m.models.start import best_start, warm_start
from s2m.models.steps import Step
from s2m.models.study import Gradient, attach, check_gradient

ROUND = 5  # steps of EM between two looks at the residual
PATIENCE = 5  # rounds that cost about what Newton's step costs: a set that would arrive sooner never asks for it
NEWTON_FROM = 0.1  # residual below which it may; above it, the quadratic model of Newton's step is of little use


def fit_mixture(
    descriptors: Tensor,
    components: int,
    weights: Tensor | None = None,
    prior: VariancePrior | None = DEFAULT_PRIOR,
    start: Mixture | None = None,
    generator: torch.Generator | None = None,
    restarts: int = 4,
    tolerance: float = 1e-10,
    max_steps: int = 500,
    gradient: Gradient = "exact",
) -> Mixture:
    """The most probable mixture of diagonal Gaussians of every set, with exact gradients.

    The fit is a maximum, so its gradient in the mixture's parameters is zero: that identity, differentiated, gives the
    gradient of any function of the fit in the descriptors, the weights and the prior.

    Args:
        descriptors: (B, N, n), or (N, n) for one set, which counts as B = 1.
        components: k >= 1. A set with fewer distinct examples than k leaves the surplus components empty, of weight 0.
        weights: (B, N), 1 for an example and 0 for padding; None means all 1.
        prior: the prior on the variances; None is maximum likelihood, as published.
        start: a mixture of the same shape to warm-start EM from, in place of k-means++.
        generator: draws the k-means++ seeds, on the CPU; None means one seeded with 0, so that a fit is a function of
            its input.
        restarts: random starts tried per set.
        tolerance: the residual (see `FitRecord`) at which a set counts as converged.
        max_steps: steps after which a set that has not converged is returned as it is, with a `ConvergenceWarning`.
        gradient: "exact"; the others are for study, see `s2m.models.study`.

    Returns:
        A `Mixture` in the descriptors' dtype; everything inside is float64.

    Raises:
        S2MError: as `fit_gaussian`; and k < 1, a start of another shape, or an unknown gradient.

    Explained in the chapter "The network"; its gradient is derived in "The gradient through the fit".

    >>> density = fit_mixture(torch.tensor([[0.0], [0.1], [5.0], [5.1]]), components=2)
    >>> [round(mean, 4) for mean in sorted(density.means.flatten().tolist())]
    [0.05, 5.05]
    """
    if components < 1:
        raise S2MError(f"components is {components}: a mixture needs at least one")
    check_gradient(gradient)
    if components == 1:
        return fit_gaussian(descriptors, weights, prior)
    x, w = check_set(descriptors, weights)
    alpha, beta = natural_parameters(prior, x.device)
    # Centred, so that nothing cancels when a set lies far from the origin.
    centre = ((w.unsqueeze(1) @ x) / w.sum(1)[:, None, None]).detach()
    x = x - centre
    step = Step(x, w, alpha, beta)
    search = Step(x.detach(), w.detach(), alpha.detach(), beta.detach())  # it keeps squares, without their gradients
    with torch.no_grad():
        if start is None:
            generator = torch.Generator().manual_seed(0) if generator is None else generator
            begin = best_start(search, components, generator, restarts)
        else:
            begin = warm_start(start, centre, components)
        end, r, record = climb(search, begin, tolerance, max_steps)
    fitted = attach(gradient, step, begin, end, r)
    return Mixture(fitted.weights, fitted.means + centre, fitted.variances, record).to(descriptors.dtype)


def climb(step: Step, begin: Point, tolerance: float, max_steps: int) -> tuple[Point, Tensor, FitRecord]:
    """Rounds of EM, with Newton's step where EM is slow and it climbs higher; sets that have arrived are left alone."""
    batch = len(step.x)
    live = torch.arange(batch, device=step.x.device)
    part, here = step, begin
    r, objective = step.expect(begin)
    point, responsibilities, trace = begin.take(live), r.clone(), [objective]
    residual = torch.full_like(objective, torch.inf)
    iterations = torch.zeros(batch, dtype=torch.long, device=step.x.device)
    for taken in range(max_steps + 1):
        after = part.maximise_fast(r)
        check_variances(after.variances, after.weights > 0, live)
        round_ends = taken % ROUND == 0 or taken == max_steps
        if round_ends:
            point.put(live, here)
            responsibilities[live] = r
            before, residual[live] = residual[live], part.gap(here, after)
            gap = residual[live]
            keep = gap >= tolerance
            if taken == max_steps or not bool(keep.any()):
                break
            slow = (gap < NEWTON_FROM) & (gap * (gap / before) ** PATIENCE > tolerance)
            live, here, part, r, after = live[keep], here.take(keep), part.take(keep), r[keep], after.take(keep)
        next_r, objective = part.expect(after)
        if round_ends:
            near = slow[keep].nonzero().flatten()
            some = part.take(near)
            leap, sound = some.newton(here.take(near), r[near], after.take(near))
            leap_r, higher = some.expect(leap)
            won = sound & (higher >= objective[near])
            after.put(near[won], leap.take(won))
            next_r[near[won]], objective[near[won]] = leap_r[won], higher[won]
        here, r = after, next_r
        iterations[live] += 1
        trace.append(trace[-1].index_put((live,), objective))
    converged = residual < tolerance
    if not bool(converged.all()):
        worst = int(residual.argmax())
        warnings.warn(
            f"set {worst} of {batch} stopped {float(residual[worst]):.1e} from its maximum after {max_steps} steps: "
            "its gradient is not exact; raise max_steps, or give a stronger prior",
            ConvergenceWarning,
            stacklevel=3,
        )
    return point, responsibilities, FitRecord(iterations, residual, torch.stack(trace), converged)
