"""The steps a mixture fit is made of: expectation, maximisation, and Newton's."""

from __future__ import annotations

from functools import cached_property

import torch
from torch import Tensor

from s2m.models.curvature import Curvature, Point, pack, unpack
from s2m.models.mixture import Mixture
from s2m.models.prior import log_prior

EMPTY = 1e-10  # a component that holds less than this many examples is dropped
ROUNDING = 1e-13  # share of E[x^2] below which its difference from E[x]^2 is rounding
DIGITS = 1e-4  # share of E[x^2] above which that difference is right to 12 digits


class Step:
    """One E step and the M step that follows, for sets x (B, N, n) with weights w (B, N)."""

    def __init__(self, x: Tensor, w: Tensor, alpha: Tensor, beta: Tensor) -> None:
        self.x, self.w, self.alpha, self.beta = x, w, alpha, beta

    def take(self, index: Tensor) -> Step:
        """The same for the sets at `index`."""
        part = Step(self.x[index], self.w[index], self.alpha, self.beta)
        if "squares" in self.__dict__:
            part.squares = self.squares[index]
        return part

    @cached_property
    def squares(self) -> Tensor:
        """x^2, elementwise."""
        return self.x.square()

    def expect(self, point: Point) -> tuple[Tensor, Tensor]:
        """Responsibilities (B, N, k) and the objective J (B,)."""
        joint = Mixture(point.weights, point.means, point.variances).log_joint(self.x)
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
        means = torch.where(held.unsqueeze(-1), held_by @ self.x / safe, 0.0)
        if rough:
            second = held_by @ self.squares
            scatter = second - safe * means.square()
            scatter = torch.where(scatter > ROUNDING * second, scatter, 0.0)
        else:
            square = (self.x.unsqueeze(1) - means.unsqueeze(2)).square()  # (B, k, N, n)
            scatter = (held_by.unsqueeze(2) @ square).squeeze(2)
            if self.alpha == 0:  # without a prior such a variance has vanished, and its density would be noise
                scatter = torch.where(scatter > ROUNDING * (held_by @ self.squares), scatter, 0.0)
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

    def newton(self, point: Point, r: Tensor) -> tuple[Point, Tensor]:
        """Newton's step on J, and (B,) whether to try it: the Hessian is definite and the step not too long."""
        curvature = Curvature(self.x, self.w, r, point, self.alpha)
        held_by = (r * self.w.unsqueeze(-1)).mT.unsqueeze(2)
        pulled = (held_by @ curvature.features).squeeze(2)  # gradient of J, but for the softmax and the prior
        a, means, s = unpack(pulled)
        held = (point.weights > 0).unsqueeze(-1)
        a = a - self.w.sum(1, keepdim=True) * point.weights
        s = torch.where(held, s - self.alpha + self.beta / point.variances, 0.0)
        rows, definite = curvature.solve(pack(a, means, s), damped=False)
        da, dm, ds = unpack(rows)
        calm = (ds.abs().amax((1, 2)) < 1) & (da - da.mean(1, keepdim=True)).abs().amax(1).lt(5)
        weights = (point.weights.log() + torch.where(held.squeeze(-1), da, 0.0)).softmax(-1)
        after = Point(weights, point.means + dm, point.variances * ds.clamp(-1, 1).exp())
        return after, definite & calm
