"""Expectation maximisation for a batch of diagonal mixtures, finished by Newton steps."""

from __future__ import annotations

import warnings

import torch
from torch import Tensor

from s2m.errors import S2MError
from s2m.models.checks import check_set, check_variances
from s2m.models.curvature import Point
from s2m.models.gaussian import fit_gaussian
from s2m.models.mixture import FitRecord, Mixture
from s2m.models.prior import DEFAULT_PRIOR, VariancePrior, natural_parameters
from s2m.models.start import best_start, warm_start
from s2m.models.steps import Step
from s2m.models.study import Gradient, attach, check_gradient

NEWTON_FROM = 0.1  # residual below which Newton's step is tried; above it, its quadratic model is of little use
EM_STEPS = 25  # steps of EM that cost about what Newton's cost: a set that would be done with fewer never asks for them


class ConvergenceWarning(UserWarning):
    """A fit stopped before it converged, so its implicit gradient is not exact."""


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
    """EM until it is near the top, then Newton's steps where they climb; sets that have arrived are left alone."""
    batch = len(step.x)
    point = Point(begin.weights.clone(), begin.means.clone(), begin.variances.clone())
    residual = torch.full_like(step.w[:, 0], torch.inf)
    iterations = torch.zeros(batch, dtype=torch.long, device=step.x.device)
    responsibilities, objective = step.expect(point)
    trace = [objective]
    slow = torch.zeros_like(iterations, dtype=torch.bool)
    pause, resume = torch.zeros_like(iterations), torch.zeros_like(iterations)
    live = torch.arange(batch, device=step.x.device)
    for taken in range(max_steps + 1):
        here, part = point.take(live), step.take(live)
        r = responsibilities[live]
        after = part.maximise_fast(r)
        check_variances(after.variances, after.weights > 0, live)
        gap = part.gap(here, after)
        slow[live] |= gap * (gap / residual[live]) ** EM_STEPS > tolerance
        residual[live] = gap
        keep = gap >= tolerance
        if taken == max_steps or not bool(keep.any()):
            break
        live, here, part, r, after = live[keep], here.take(keep), part.take(keep), r[keep], after.take(keep)
        new_r, new_objective = part.expect(after)
        ready = (slow & (residual < NEWTON_FROM) & (resume <= taken))[live].nonzero().flatten()
        if len(ready):
            some, tried = part.take(ready), live[ready]
            leap, climbs = some.newton(here.take(ready), r[ready])
            leap_r, leap_objective = some.expect(leap)
            better = climbs & (leap_objective >= new_objective[ready])
            won = ready[better]
            after.put(won, leap.take(better))
            new_r[won], new_objective[won] = leap_r[better], leap_objective[better]
            pause[tried] = torch.where(better, 0, 2 * pause[tried] + 1)  # refused: wait, longer every time
            resume[tried] = taken + 1 + pause[tried]
        point.put(live, after)
        responsibilities[live] = new_r
        iterations[live] += 1
        trace.append(trace[-1].index_put((live,), new_objective))
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
