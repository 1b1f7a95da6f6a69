"""The Hessian of a mixture's log posterior at its fitted point, kept as a diagonal minus a low rank.

With q = (a, mu, s), pi = softmax(a), s = log sigma^2, the objective of a set is

    J(q) = sum_i w_i log sum_k pi_k N(x_i; mu_k, e^{s_k}) - sum_{kd} (alpha s_kd + beta e^{-s_kd}).

Write g_ik for the gradient of log(pi_k N_k(x_i)) in component k's own parameters: 1 for a_k, (x_i - mu_k) / sigma_k^2
for the mean, ((x_i - mu_k)^2 / sigma_k^2 - 1) / 2 for s_k. Where the gradient of J vanishes, its negative Hessian is D
- U U^T with

    D = diag(N_k; N_k / sigma_k^2; N_k / 2 + alpha),    U = [sqrt(w_i) G_i C_i] over examples i,    C_i C_i^T = diag r_i
    - r_i r_i^T.

The block of a is written without its gauge (a shift of all a_k changes nothing): every right-hand side that occurs sums
to zero over a, and so does every column of U. Derived in the chapter "The gradient through the fit".
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

FLAT = 1e-3  # relative curvature below which a direction counts as flat, where a set is not at a strict maximum


@dataclass
class Point:
    """Parameters q of B mixtures, held as weights (B, k), means (B, k, n) and variances (B, k, n), all float64."""

    weights: Tensor
    means: Tensor
    variances: Tensor

    def collapsed(self) -> Tensor:
        """(B,) whether a component that holds examples has lost all its variance; only without a prior."""
        return ((self.variances <= 0) & (self.weights > 0).unsqueeze(-1)).flatten(1).any(1)

    def where(self, keep: Tensor, other: Point) -> Point:
        """Set by set: this point where `keep` (B,) is true, `other` elsewhere."""
        pick = keep[:, None]
        return Point(
            torch.where(pick, self.weights, other.weights),
            torch.where(pick[..., None], self.means, other.means),
            torch.where(pick[..., None], self.variances, other.variances),
        )

    def take(self, index: Tensor) -> Point:
        """The sets at `index`."""
        return Point(self.weights[index], self.means[index], self.variances[index])

    def put(self, index: Tensor, other: Point) -> None:
        """Overwrite the sets at `index`, in place."""
        self.weights[index], self.means[index], self.variances[index] = other.weights, other.means, other.variances


def pack(a: Tensor, means: Tensor, log_variances: Tensor) -> Tensor:
    """(B, k), (B, k, n), (B, k, n) -> (B, k, 1 + 2n), one row of parameters a component."""
    return torch.cat([a.unsqueeze(-1), means, log_variances], -1)


def unpack(rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The inverse of `pack`."""
    size = rows.shape[-1] // 2
    return rows[..., 0], rows[..., 1 : 1 + size], rows[..., 1 + size :]


def contrasts(responsibilities: Tensor) -> Tensor:
    """C with C C^T = diag r - r r^T and only k - 1 columns: component j against the mean of those after it.

    responsibilities: (..., k). Returns (..., k, k - 1). Column j is sqrt(r_j T_j / T_{j-1}) (e_j - r_{>j} / T_j), where
    T_j is the sum of r after j; this is the Cholesky factor of a multinomial covariance, and it is finite for hard r.
    """
    r = responsibilities
    k = r.shape[-1]
    after = torch.triu(r.new_ones(k, k), 1)  # after[j, m] = 1 where m > j
    tail = r @ after.mT  # T_j
    ahead = (tail + r).clamp_min(torch.finfo(r.dtype).tiny)  # T_{j-1}
    scale = (r * tail / ahead).sqrt()
    share = (r.unsqueeze(-2) * after) / tail.clamp_min(torch.finfo(r.dtype).tiny).unsqueeze(-1)  # (..., j, m)
    columns = scale.unsqueeze(-1) * (torch.eye(k, dtype=r.dtype, device=r.device) - share)
    return columns[..., : k - 1, :].mT


class Curvature:
    """The factors of D - U U^T for B sets, ready to solve with, in units in which D is the identity.

    x: (B, N, n), w: (B, N), r: (B, N, k) responsibilities at `point`; alpha: the prior's scalar. All float64.
    """

    def __init__(self, x: Tensor, w: Tensor, r: Tensor, point: Point, alpha: Tensor) -> None:
        count = (w.unsqueeze(1) @ r).mT  # (B, k, 1)
        count = torch.where(count > 0, count, 1.0)  # an empty component keeps an invertible block
        spread = count / 2 + alpha
        self.diagonal = torch.cat([count, count / point.variances, spread.expand_as(point.means)], -1)  # (B, k, 1 + 2n)
        self.root = self.diagonal.rsqrt()  # D^{-1/2}
        x, count, spread = x.unsqueeze(1), count.unsqueeze(2), spread.unsqueeze(2)
        z = (x - point.means.unsqueeze(2)) * (1 / point.variances.sqrt()).unsqueeze(2)  # (B, k, N, n)
        square = (z.square() - 1) * (0.5 * spread.rsqrt())
        one = count.rsqrt()
        self.features = torch.cat([one.expand_as(z[..., :1]), z * one, square], -1)  # D^{-1/2} g: (B, k, N, 1 + 2n)
        self.mix = contrasts(r).mT * w.sqrt()[..., None, None]  # C^T sqrt(w): (B, N, k - 1, k)

    def project(self, rows: Tensor) -> Tensor:
        """g . rows: (B, k, 1 + 2n) -> (B, k, N), in units in which D is the identity."""
        return (self.features @ rows.unsqueeze(-1)).squeeze(-1)

    def lift(self, values: Tensor) -> Tensor:
        """The transpose of `project`: (B, k, N) -> (B, k, 1 + 2n)."""
        return (values.unsqueeze(2) @ self.features).squeeze(2)

    def multiply(self, rows: Tensor) -> Tensor:
        """(D - U U^T) times `rows` (B, k, 1 + 2n)."""
        rows = rows / self.root
        projected = torch.einsum("bipm,bmi->bip", self.mix, self.project(rows))
        return (rows - self.lift(torch.einsum("bipm,bip->bmi", self.mix, projected))) / self.root

    def solve(self, rows: Tensor, damped: bool = True) -> tuple[Tensor, Tensor]:
        """(D - U U^T)^{-1} times `rows` (B, k, 1 + 2n); and (B,) the verdict of `solve_definite`.

        With V = D^{-1/2} U the matrix is D^{1/2} (I - V V^T) D^{1/2}. Where the examples are fewer than the parameters,
        Woodbury's identity (I - V V^T)^{-1} = I + V (I - V^T V)^{-1} V^T turns the solve into one of size N (k - 1).
        """
        batch, count, contrasts_each, components = self.mix.shape
        if contrasts_each == 0:  # one component: the Hessian is diagonal
            return rows / self.diagonal, torch.ones(batch, dtype=torch.bool, device=rows.device)
        right = rows * self.root
        if count * contrasts_each <= components * rows.shape[2]:
            kernel = self.features @ self.features.mT  # (B, k, N, N)
            gram = rows.new_zeros(batch, contrasts_each, count, contrasts_each, count)
            for m in range(components):  # half the time of one einsum, which moves axes about
                mix = self.mix[..., m].mT  # (B, k - 1, N)
                gram.addcmul_(mix[..., None, None] * mix[:, None, None], kernel[:, m, None, :, None])
            projected = torch.einsum("bipm,bmi->bpi", self.mix, self.project(right))
            inner, definite = solve_definite(gram.flatten(1, 2).flatten(2), projected.flatten(1), damped)
            inner = inner.unflatten(1, (contrasts_each, count))
            answer = right + self.lift(torch.einsum("bipm,bpi->bmi", self.mix, inner))
        else:
            v = torch.einsum("bipm,bmid->bmdip", self.mix, self.features).flatten(1, 2).flatten(2)
            answer, definite = solve_definite(v @ v.mT, right.flatten(1), damped)
            answer = answer.unflatten(1, (components, -1))
        return answer * self.root, definite


def solve_definite(gram: Tensor, right: Tensor, damped: bool = True) -> tuple[Tensor, Tensor]:
    """(I - gram)^{-1} right for gram (B, m, m) and right (B, m); and (B,) whether I - gram is positive definite.

    Where it is not, its set is not at a strict maximum. Damped, directions in which the objective is flat or bends
    upward are held at a least curvature, so that the answer is finite: right where it is flat, since nothing of a
    density changes along a ridge, and only there the verdict is still true. Undamped, such an answer means nothing.
    """
    system = torch.eye(gram.shape[-1], dtype=gram.dtype, device=gram.device) - gram
    factor, failed = torch.linalg.cholesky_ex(system)
    answer = torch.cholesky_solve(right.unsqueeze(-1), factor).squeeze(-1)
    definite = failed == 0
    if damped and not bool(definite.all()):
        awkward = (~definite).nonzero().flatten()
        values, vectors = torch.linalg.eigh(system[awkward])
        inner = (vectors.mT @ right[awkward].unsqueeze(-1)) / values.abs().clamp_min(FLAT).unsqueeze(-1)
        answer[awkward] = (vectors @ inner).squeeze(-1)
        definite[awkward] = values[:, 0] > -FLAT
    return answer, definite
