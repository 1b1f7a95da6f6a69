"""The gradient through a mixture fit, by implicit differentiation of its stationarity."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import torch
from torch import Tensor

from s2m.errors import ConvergenceWarning
from s2m.models.curvature import Curvature, Point, pack, unpack

Solver = Callable[[Curvature, Tensor], Tensor]
"""Curvature and right-hand side (B, k, 1 + 2n) to the solution of (D - U U^T) lambda = right-hand side."""


def solve_directly(curvature: Curvature, rows: Tensor) -> Tensor:
    """By the factors, exactly; a `ConvergenceWarning` names a set that is not at a maximum."""
    answer, maximum = curvature.solve(rows)
    if not bool(maximum.all()):
        warnings.warn(
            f"set {int(maximum.int().argmin())} of {len(maximum)} stopped at a saddle, as nearly equal examples make: "
            "its gradient is a damped one; give it fewer components, or a stronger prior",
            ConvergenceWarning,
            stacklevel=2,
        )
    return answer


class ImplicitFit(torch.autograd.Function):
    """The identity on fitted parameters, with the gradient of the argmax that made them.

    At the maximum the gradient of J(q; x, w, alpha, beta) in q is zero, and stays zero when the inputs move. Hence,
    with (D - U U^T) lambda = dL/dq, the gradient of the loss in any input is lambda^T d(grad_q J)/d(input).
    """

    @staticmethod
    def forward(  # type: ignore[override]
        ctx,
        x: Tensor,
        w: Tensor,
        alpha: Tensor,
        beta: Tensor,
        r: Tensor,
        pi: Tensor,
        means: Tensor,
        variances: Tensor,
        solver: Solver,
    ) -> tuple[Tensor, Tensor, Tensor]:
        ctx.solver = solver
        ctx.save_for_backward(x, w, alpha, r, pi, means, variances)
        return pi.clone(), means.clone(), variances.clone()

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, grad_pi: Tensor, grad_means: Tensor, grad_variances: Tensor):  # type: ignore[override]
        x, w, alpha, r, pi, means, variances = ctx.saved_tensors
        grad_a = pi * (grad_pi - (pi * grad_pi).sum(-1, keepdim=True))
        curvature = Curvature(x, w, r, Point(pi, means, variances), alpha)
        rows = ctx.solver(curvature, pack(grad_a, grad_means, grad_variances * variances))
        lambda_a, lambda_means, lambda_s = unpack(rows)
        t = curvature.project(rows / curvature.root).mT  # g . lambda: (B, N, k)
        mean_t = (r * t).sum(-1, keepdim=True)

        # Sum over components of r w / sigma^2 (lambda_mu + (lambda_s - t + mean t)(x - mu)); the last two terms of the
        # bracket are there because r moves with x. Squares are expanded so that no (B, N, k, n) tensor is made.
        precision = 1 / variances
        held_by = r * w.unsqueeze(-1)  # (B, N, k)
        moved_by = held_by * (mean_t - t)
        linear = held_by @ (precision * lambda_s) + moved_by @ precision
        constant = held_by @ (precision * (lambda_means - lambda_s * means)) - moved_by @ (precision * means)
        grad_x = x * linear + constant

        grad_w = mean_t.squeeze(-1) - (pi * lambda_a).sum(-1, keepdim=True)
        held = (pi > 0).unsqueeze(-1)
        grad_alpha = -torch.where(held, lambda_s, 0.0).sum()
        grad_beta = torch.where(held, lambda_s * precision, 0.0).sum()
        return grad_x, grad_w, grad_alpha, grad_beta, None, None, None, None, None
