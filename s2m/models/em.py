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
    """Rounds of EM, with Newton's step where EM is slow and it climbs higher; a set that has arrived is left alone."""
    sets = torch.arange(len(step.x), device=step.x.device)
    live = torch.ones_like(sets, dtype=torch.bool)
    part, here = step, begin
    r, objective = step.expect(begin)
    point, responsibilities, trace = begin.take(sets), r.clone(), [objective]
    residual, iterations = torch.full_like(objective, torch.inf), torch.zeros_like(sets)
    # Newton's step costs about as much as this many rounds of EM: a set that would arrive sooner never asks for it.
    patience = r[0].numel() / 8 / ROUND
    for taken in range(max_steps + 1):
        after = part.maximise_fast(r)
        check_variances(after.variances, after.weights > 0, sets)
        round_ends = taken % ROUND == 0 or taken == max_steps
        if round_ends:
            before, gap = residual[sets], part.gap(here, after)
            residual[sets[live]], responsibilities[sets[live]] = gap[live], r[live]
            point.put(sets[live], here.take(live))
            live &= gap >= tolerance
            if taken == max_steps or not bool(live.any()):
                break
            slow = live & (gap < NEWTON_FROM) & (gap < before) & (gap * (gap / before) ** patience > tolerance)
            if 2 * int(live.sum()) <= len(sets):  # not for every set that arrives: copies cost more than idle steps
                part, here, after = part.take(live), here.take(live), after.take(live)
                sets, r, slow, live = sets[live], r[live], slow[live], live[live]
        next_r, objective = part.expect(after)
        if round_ends and bool(slow.any()):
            leap(part, here, r, after, next_r, objective, slow.nonzero().flatten())
        here, r = after, next_r
        iterations[sets[live]] += 1
        trace.append(trace[-1].index_put((sets[live],), objective[live]))
    converged = residual < tolerance
    if not bool(converged.all()):
        worst = int(residual.argmax())
        warnings.warn(
            f"set {worst} of {len(converged)} stopped {float(residual[worst]):.1e} from its maximum after {max_steps} "
            "steps: its gradient is not exact; raise max_steps, or give a stronger prior",
            ConvergenceWarning,
            stacklevel=3,
        )
    return point, responsibilities, FitRecord(iterations, residual, torch.stack(trace), converged)


def leap(part: Step, here: Point, r: Tensor, after: Point, next_r: Tensor, objective: Tensor, slow: Tensor) -> None:
    """Replace EM's step to `after` by Newton's, in place, for those of the sets `slow` where that climbs higher."""
    some = part.take(slow)
    there, sound = some.newton(here.take(slow), r[slow], after.take(slow))
    there_r, height = some.expect(there)
    won = sound & (height >= objective[slow])
    better = slow[won]
    after.put(better, there.take(won))
    next_r[better], objective[better] = there_r[won], height[won]
