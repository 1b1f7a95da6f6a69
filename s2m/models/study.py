"""Other gradients through a mixture fit, for study and comparison; `fit_mixture` uses the exact one by default.

All take the same fit and differ only in what they send back to the inputs:

    exact      implicit differentiation of the posterior that was maximised (`s2m.models.implicit`)
    published  implicit differentiation of the likelihood alone, by its dense bordered Hessian: right without a prior
    one-step   one EM step at the fitted point: forgets that the responsibilities went through earlier steps
    unrolled   UNROLLED EM steps from the start, differentiated through: its value is where those steps arrive
    conjugate  the exact system, solved by conjugate gradients without ever forming it

The chapter "The gradient through the fit" compares them.
"""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor

from s2m.errors import S2MError
from s2m.models.curvature import Curvature, Point
from s2m.models.implicit import ImplicitFit, solve_directly
from s2m.models.steps import Step

Gradient = Literal["exact", "published", "one-step", "unrolled", "conjugate"]
UNROLLED = 20  # EM steps that "unrolled" keeps
RIDGE = 1e-5  # added to the published system, as its authors' program does


def check_gradient(gradient: str) -> None:
    """Raise S2MError unless the gradient is one of those above."""
    if gradient not in get_args(Gradient):
        raise S2MError(f"there is no gradient {gradient!r}: give one of {', '.join(get_args(Gradient))}")


def attach(gradient: Gradient, step: Step, begin: Point, end: Point, r: Tensor) -> Point:
    """The fitted point with one of the gradients above.

    step: the inputs, with their gradients; begin: where EM started; end: the fitted point; r: responsibilities there.
    """
    fitted = r, end.weights, end.means, end.variances
    if gradient == "published":
        return Point(*PublishedFit.apply(step.x, step.w, *fitted))
    if gradient in ("exact", "conjugate"):
        solver = solve_directly if gradient == "exact" else solve_by_conjugate_gradients
        return Point(*ImplicitFit.apply(step.x, step.w, step.alpha, step.beta, *fitted, solver))
    point = end if gradient == "one-step" else begin
    for _ in range(1 if gradient == "one-step" else UNROLLED):
        point = step.maximise(step.expect(point)[0])
    return point


def solve_by_conjugate_gradients(curvature: Curvature, rows: Tensor) -> Tensor:
    """(D - U U^T)^{-1} rows without a factorisation, preconditioned with D, to a relative residual of 1e-10."""
    answer, rest = torch.zeros_like(rows), rows.clone()
    target = 1e-20 * (rows * rows / curvature.diagonal).sum((1, 2))
    scaled = rest / curvature.diagonal
    direction, size = scaled, (rest * scaled).sum((1, 2))
    for _ in range(rows[0].numel()):
        if bool((size <= target).all()):
            break
        moved = curvature.multiply(direction)
        bend = (direction * moved).sum((1, 2))
        length = torch.where(size > target, size / bend, 0.0)[:, None, None]
        answer, rest = answer + length * direction, rest - length * moved
        scaled, before = rest / curvature.diagonal, size
        size = (rest * scaled).sum((1, 2))
        direction = scaled + (size / before.clamp_min(1e-300))[:, None, None] * direction
    return answer


class PublishedFit(torch.autograd.Function):
    """The system of the paper: the Hessian of the log-likelihood in (pi, mu, sigma^2), bordered by the multiplier of
    sum(pi) = 1. It knows of no prior and of no floor."""

    @staticmethod
    def forward(ctx, x: Tensor, w: Tensor, r: Tensor, pi: Tensor, means: Tensor, variances: Tensor):  # type: ignore[override]
        ctx.save_for_backward(x, w, r, pi, means, variances)
        return pi.clone(), means.clone(), variances.clone()

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, *gradients: Tensor):  # type: ignore[override]
        x, w, r, pi, means, variances = ctx.saved_tensors
        batch, count, size = x.shape
        k = pi.shape[1]
        deviation = x.unsqueeze(1) - means.unsqueeze(2)  # (B, k, N, n)
        v, p = variances.unsqueeze(2), pi.clamp_min(1e-12)[:, :, None, None]
        first = torch.cat([(1 / p).expand(-1, -1, count, 1), deviation / v, (deviation.square() / v - 1) / (2 * v)], -1)
        held_by = (r * w.unsqueeze(-1)).mT.unsqueeze(-1)  # (B, k, N, 1)

        # Sum over examples of w [sum_k r (h + g g^T) - gbar gbar^T]: g and h are derivatives of log(pi_k N_k(x_i)).
        rows = first.shape[-1]
        hessian = x.new_zeros(batch, k, rows, k, rows)
        second = torch.cat([-1 / p.expand(-1, -1, count, 1).square(), -1 / v.expand_as(deviation),
                            0.5 / v.square() - deviation.square() / v**3], -1)  # fmt: skip
        cross = (-held_by * deviation / v.square()).sum(2)
        for m in range(k):
            block = (first[:, m] * held_by[:, m]).mT @ first[:, m] + torch.diag_embed(
                (second[:, m] * held_by[:, m]).sum(1)
            )
            block[:, 1 : 1 + size, 1 + size :] += torch.diag_embed(cross[:, m])
            block[:, 1 + size :, 1 : 1 + size] += torch.diag_embed(cross[:, m])
            hessian[:, m, :, m] = block
        mean = (first * r.mT.unsqueeze(-1)).transpose(1, 2).flatten(2)  # gbar: (B, N, k rows)
        hessian = hessian.flatten(3).flatten(1, 2) - (mean * w.unsqueeze(-1)).mT @ mean
        border = torch.cat([x.new_ones(k, 1), x.new_zeros(k, rows - 1)], 1).flatten().expand(batch, 1, -1)
        system = torch.cat([torch.cat([hessian, border.mT], 2), torch.cat([border, x.new_zeros(batch, 1, 1)], 2)], 1)
        system = system - RIDGE * torch.eye(system.shape[-1]).to(system)  # the Hessian is negative definite
        right = torch.cat([gradients[0].unsqueeze(-1), gradients[1], gradients[2]], -1).flatten(1)
        right = torch.cat([right, x.new_zeros(batch, 1)], 1)
        # One set at a time: a batched LU can hang in MKL (pytorch #142815).
        answer = torch.stack([torch.linalg.solve(a, b) for a, b in zip(system, right)])[:, :-1].unflatten(1, (k, rows))

        lam = -answer
        t = torch.einsum("bmid,bmd->bmi", first, lam)
        swing = t - (r.mT * t).sum(1, keepdim=True)
        slope = lam[:, :, 1 : 1 + size].unsqueeze(2) / v + lam[:, :, 1 + size :].unsqueeze(2) * deviation / v.square()
        grad_x = (held_by * (slope - swing.unsqueeze(-1) * deviation / v)).sum(1)
        return grad_x, None, None, None, None, None
