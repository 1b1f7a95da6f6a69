"""The steps a mixture fit is made of: expectation, maximisation, and Newton's."""

from __future__ import annotations

from functools import cached_property

import torch
from torch import Tensor

from s2m.models.curvature import Curvature, Point, pack, unpack
from s2m.models.mixture import log_joint, with_squares
from s2m.models.prior import log_prior

EMPTY = 1e-10  # a component that holds less than this many examples is dropped
ROUNDING = 1e-13  # share of E[x^2] below which its difference from E[x]^2 is rounding
DIGITS = 1e-4  # share of E[x^2] above which that difference is right to 12 digits


class Step:
    """One E step and the M step that follows, for sets x (B, N, n) with weights w (B, N)."""

    def __init__(self, x: Tensor, w: Tensor, alpha: Tensor, beta: Tensor) -> None:
        self.x, self.w, self.alpha, self.beta = x, w, alpha, beta

    @cached_property
    def squared(self) -> Tensor:
        """x and its elementwise square, (B, N, 2n)."""
        return with_squares(self.x)

    def take(self, index: Tensor) -> Step:
        """The same for the sets at `index`."""
        squared = self.squared[index]
        part = Step(squared[..., : self.x.shape[2]], self.w[index], self.alpha, self.beta)
        part.squared = squared
        return part

    def expect(self, point: Point) -> tuple[Tensor, Tensor]:
        """Responsibilities (B, N, k) and the objective J (B,)."""
        joint = log_joint(self.squared, point.weights, point.means, point.variances)
        prior = torch.where(point.weights > 0, log_prior(point.variances, self.alpha, self.beta), 0.0)
        return joint.softmax(-1), (self.w * joint.logsumexp(-1)).sum(1) + prior.sum(-1)

    def maximise(self, r: Tensor, rough: bool = False) -> Point:
        """The parameters that are best for fixed responsibilities; components that hold nothing get weight 0.

        rough: from E[x^2] - E[x]^2, many times faster, with a relative error of about 1e-16 (distance / deviation)^2.
        """
        held_by = (r * self.w.unsqueeze(-1)).mT  # (B, k, N)
        count = held_by.sum(-1)
        held = count > EMPTY
        count = torch.where(held, count, 0.0)
        safe = torch.where(held, count, 1.0).unsqueeze(-1)
        first, second = (held_by @ self.squared).chunk(2, -1)
        means = torch.where(held.unsqueeze(-1), first / safe, 0.0)
        if rough:
            scatter = second - safe * means.square()
        else:
            square = (self.x.unsqueeze(1) - means.unsqueeze(2)).square()  # (B, k, N, n)
            scatter = (held_by.unsqueeze(2) @ square).squeeze(2)
        if rough or self.alpha == 0:  # without a prior such a variance has vanished, and its density would be noise
            scatter = torch.where(scatter > ROUNDING * second, scatter, 0.0)
        variances = (scatter + 2 * self.beta) / (safe + 2 * self.alpha)
        idle = self.beta / self.alpha if self.alpha > 0 else torch.ones_like(self.beta)
        variances = torch.where(held.unsqueeze(-1), variances, idle)
        return Point(count / count.sum(-1, keepdim=True), means, variances)

    def maximise_fast(self, r: Tensor) -> Point:
        """As `maximise`, by the rough way for every set where that keeps 12 digits."""
        point = self.maximise(r, rough=True)
        second = point.variances + point.means.square()
        lost = ((point.variances < DIGITS * second) | ~(point.variances > 0)).flatten(1).any(1).nonzero().flatten()
        if len(lost):
            point.put(lost, self.take(lost).maximise(r[lost]))
        return point

    def gap(self, point: Point, after: Point) -> Tensor:
        """(B,) the largest move from `point` to `after`, in standard deviations and log units."""
        moved = (after.means - point.means).abs() / after.variances.sqrt()
        grown = (after.variances / point.variances).log().abs() / 2
        shifted = (after.weights - point.weights).abs()
        return torch.maximum(torch.maximum(moved, grown).amax((1, 2)), shifted.amax(1))

    def newton(self, point: Point, r: Tensor, after: Point) -> tuple[Point, Tensor]:
        """Newton's step on J, and (B,) whether to try it: the Hessian is definite and the step not too long.

        after: EM's step from `point`; the gradient of J is D times that step, but for a square in the variances.
        """
        curvature = Curvature(self.x, self.w, r, point, self.alpha)
        _, by_mean, by_log_variance = unpack(curvature.diagonal)
        moved = after.means - point.means
        a = self.w.sum(1, keepdim=True) * (after.weights - point.weights)
        s = by_log_variance * (after.variances / point.variances - 1) + by_mean * moved.square() / 2
        held = (point.weights > 0).unsqueeze(-1)
        right = pack(a, torch.where(held, by_mean * moved, 0.0), torch.where(held, s, 0.0))
        rows, definite = curvature.solve(right, damped=False)
        da, dm, ds = unpack(rows)
        calm = (ds.abs().amax((1, 2)) < 1) & (da - da.mean(1, keepdim=True)).abs().amax(1).lt(5)
        weights = (point.weights.log() + torch.where(held.squeeze(-1), da, 0.0)).softmax(-1)
        return Point(weights, point.means + dm, point.variances * ds.clamp(-1, 1).exp()), definite & calm
