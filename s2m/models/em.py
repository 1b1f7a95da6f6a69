"""Expectation maximisation for a batch of diagonal mixtures, finished by Newton steps."""

from __future__ import annotations

import warnings

import torch
from torch import Tensor

from s2m.errors import S2MError
from s2m.models.checks import check_set, check_variances
from s2m.models.curvature import Curvature, Point, pack, unpack
from s2m.models.gaussian import fit_gaussian
from s2m.models.implicit import ImplicitFit
from s2m.models.mixture import FitRecord, Mixture
from s2m.models.prior import DEFAULT_PRIOR, VariancePrior, natural_parameters
from s2m.models.start import assign, seed_centres

TRY_STEPS = 5  # EM steps that each random start gets before the best one goes on alone
NEWTON_FROM = 0.1  # residual below which Newton's step is tried; above it, its quadratic model is of little use
EMPTY = 1e-10  # a component that holds less than this many examples is dropped


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

    Returns:
        A `Mixture` in the descriptors' dtype; everything inside is float64.

    Raises:
        S2MError: as `fit_gaussian`; and k < 1, or a start of another shape.

    Derived in the chapter "The network".

    >>> density = fit_mixture(torch.tensor([[0.0], [0.1], [5.0], [5.1]]), components=2)
    >>> [round(mean, 4) for mean in sorted(density.means.flatten().tolist())]
    [0.05, 5.05]
    """
    if components < 1:
        raise S2MError(f"components is {components}: a mixture needs at least one")
    if components == 1:
        return fit_gaussian(descriptors, weights, prior)
    x, w = check_set(descriptors, weights)
    alpha, beta = natural_parameters(prior, x.device)
    # Centred, so that nothing cancels when a set lies far from the origin.
    centre = ((w.unsqueeze(1) @ x) / w.sum(1)[:, None, None]).detach()
    x = x - centre
    with torch.no_grad():
        step = Step(x, w, alpha, beta)
        if start is None:
            generator = torch.Generator().manual_seed(0) if generator is None else generator
            point = best_start(x, w, step, components, generator, restarts)
        else:
            point = warm_start(start, centre, components)
        point, r, record = climb(x, w, step, point, tolerance, max_steps)
    check_variances(point.variances, point.weights > 0)
    pi, means, variances = ImplicitFit.apply(x, w, alpha, beta, r, point.weights, point.means, point.variances)
    return Mixture(pi, means + centre, variances, record).to(descriptors.dtype)


class Step:
    """One E step and the M step that follows, for sets x (B, N, n) with weights w (B, N)."""

    def __init__(self, x: Tensor, w: Tensor, alpha: Tensor, beta: Tensor) -> None:
        self.x, self.w, self.alpha, self.beta = x, w, alpha, beta

    def take(self, index: Tensor) -> Step:
        """The same for the sets at `index`."""
        return Step(self.x[index], self.w[index], self.alpha, self.beta)

    def expect(self, point: Point) -> tuple[Tensor, Tensor]:
        """Responsibilities (B, N, k) and the objective J (B,)."""
        joint = Mixture(point.weights, point.means, point.variances).log_joint(self.x)
        penalty = (self.alpha * point.variances.log() + self.beta / point.variances).sum(-1)
        penalty = torch.where(point.weights > 0, penalty, 0.0).sum(-1)
        return joint.softmax(-1), (self.w * joint.logsumexp(-1)).sum(1) - penalty

    def maximise(self, r: Tensor) -> Point:
        """The parameters that are best for fixed responsibilities; components that hold nothing get weight 0."""
        held_by = (r * self.w.unsqueeze(-1)).mT  # (B, k, N)
        count = held_by.sum(-1)
        held = count > EMPTY
        count = torch.where(held, count, 0.0)
        safe = torch.where(held, count, 1.0).unsqueeze(-1)
        means = torch.where(held.unsqueeze(-1), held_by @ self.x / safe, 0.0)
        square = (self.x.unsqueeze(1) - means.unsqueeze(2)).square()  # (B, k, N, n): E[x^2] - E[x]^2 would cancel
        scatter = (held_by.unsqueeze(2) @ square).squeeze(2)
        variances = (scatter + 2 * self.beta) / (safe + 2 * self.alpha)
        idle = self.beta / self.alpha if self.alpha > 0 else torch.ones_like(self.beta)
        variances = torch.where(held.unsqueeze(-1), variances, idle)
        return Point(count / count.sum(-1, keepdim=True), means, variances)

    def gap(self, point: Point, after: Point) -> Tensor:
        """(B,) the largest move from `point` to `after`, in standard deviations and log units."""
        moved = (after.means - point.means).abs() / after.variances.sqrt()
        grown = (after.variances / point.variances).log().abs() / 2
        shifted = (after.weights - point.weights).abs()
        return torch.maximum(torch.maximum(moved, grown).amax((1, 2)), shifted.amax(1))

    def newton(self, point: Point, r: Tensor) -> tuple[Point, Tensor]:
        """Newton's step on J, and (B,) whether it climbs: the Hessian is definite and J does not fall."""
        curvature = Curvature(self.x, self.w, r, point, self.alpha)
        pulled = torch.einsum(
            "bi,bim,bmid->bmd", self.w, r, curvature.features
        )  # gradient of J but for a's and the prior
        a, means, s = unpack(pulled)
        held = (point.weights > 0).unsqueeze(-1)
        a = a - self.w.sum(1, keepdim=True) * point.weights
        s = torch.where(held, s - self.alpha + self.beta / point.variances, 0.0)
        rows, definite = curvature.solve(pack(a, means, s))
        da, dm, ds = unpack(rows)
        calm = (ds.abs().amax((1, 2)) < 1) & (da - da.mean(1, keepdim=True)).abs().amax(1).lt(5)
        weights = (point.weights.log() + torch.where(held.squeeze(-1), da, 0.0)).softmax(-1)
        after = Point(weights, point.means + dm, point.variances * ds.clamp(-1, 1).exp())
        return after, definite & calm


def best_start(x: Tensor, w: Tensor, step: Step, components: int, generator: torch.Generator, restarts: int) -> Point:
    """The most promising of several k-means++ starts, each given a few EM steps."""
    copies = torch.arange(len(x), device=x.device).repeat_interleave(restarts)
    many = step.take(copies)
    centres, held = seed_centres(many.x, many.w, components, generator)
    point = many.maximise(assign(many.x, centres, held))
    check_variances(point.variances, point.weights > 0)
    for _ in range(TRY_STEPS):
        point = many.maximise(many.expect(point)[0])
    best = many.expect(point)[1].reshape(-1, restarts).argmax(1)
    return point.take(torch.arange(len(x), device=x.device) * restarts + best)


def warm_start(start: Mixture, centre: Tensor, components: int) -> Point:
    """A given mixture as a starting point, in the centred frame."""
    shape = (len(centre), components, centre.shape[-1])
    if start.means.shape != shape:
        raise S2MError(f"the start has means of shape {tuple(start.means.shape)}: give {shape}")
    return Point(
        start.weights.detach().double(), start.means.detach().double() - centre, start.variances.detach().double()
    )


def climb(
    x: Tensor, w: Tensor, step: Step, point: Point, tolerance: float, max_steps: int
) -> tuple[Point, Tensor, FitRecord]:
    """EM until it is near the top, then Newton's steps where they climb; sets that have arrived are left alone."""
    batch = len(x)
    residual = torch.full_like(w[:, 0], torch.inf)
    iterations = torch.zeros(batch, dtype=torch.long, device=x.device)
    responsibilities, objective = step.expect(point)
    trace = [objective]
    live = torch.arange(batch, device=x.device)
    for _ in range(max_steps):
        here, part = point.take(live), step.take(live)
        r = responsibilities[live]
        after = part.maximise(r)
        residual[live] = part.gap(here, after)
        keep = residual[live] >= tolerance
        if not bool(keep.any()):
            break
        live, here, part, r, after = live[keep], here.take(keep), part.take(keep), r[keep], after.take(keep)
        new_r, new_objective = part.expect(after)
        if bool((residual[live] < NEWTON_FROM).any()):
            leap, climbs = part.newton(here, r)
            leap_r, leap_objective = part.expect(leap)
            better = climbs & (leap_objective >= new_objective)
            after = leap.where(better, after)
            new_r = torch.where(better[:, None, None], leap_r, new_r)
            new_objective = torch.where(better, leap_objective, new_objective)
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
