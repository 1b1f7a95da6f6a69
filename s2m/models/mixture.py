"""A mixture of diagonal Gaussians for every set of a batch: what a fit returns."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from s2m.models.checks import as_batch

CHUNK = 4096  # queries at once, of a large collection: four times faster than all, which the cache cannot hold


@dataclass(frozen=True)
class FitRecord:
    """How a fit went; convergence is data, not a print.

    iterations: (B,) steps taken by each set; residual: (B,) what is left of the gradient, as the largest step that EM
    would still take, in standard deviations of its component; objective: (steps, B) log-likelihood plus log prior after
    each step; converged: (B,) whether the residual came below the tolerance.
    """

    iterations: Tensor
    residual: Tensor
    objective: Tensor
    converged: Tensor


@dataclass(frozen=True)
class Mixture:
    """B mixtures of k diagonal Gaussians over n-dimensional descriptors; one Gaussian is the case k = 1.

    weights: (B, k), summing to 1, exactly 0 for a component that holds no example; means: (B, k, n); variances: (B, k,
    n), positive; record: how the fit went. All three tensors carry gradients to the descriptors they were fitted to.

    Explained in the chapter "The network".

    >>> density = Mixture(torch.ones(1, 1), torch.zeros(1, 1, 2), torch.ones(1, 1, 2))
    >>> density.log_prob(torch.zeros(3, 2))
    tensor([[-1.8379, -1.8379, -1.8379]])
    """

    weights: Tensor
    means: Tensor
    variances: Tensor
    record: FitRecord | None = None

    def log_joint(self, queries: Tensor) -> Tensor:
        """log(pi_k N(z; mu_k, sigma_k^2)) for every query and component, float64.

        queries: (B, M, n), or (1, M, n) or (M, n) to ask every set the same. Returns (B, M, k).
        """
        batch, _, size = self.means.shape
        queries = as_batch(queries, batch, size)
        means, variances, weights = self.means.double(), self.variances.double(), self.weights.double()
        shift = means.detach().mean((0, 1))  # common to all, it keeps the expanded square from cancelling
        parts = [
            log_joint(with_squares(part.double() - shift), weights, means - shift, variances)
            for part in queries.split(CHUNK, 1)
        ]
        return torch.cat(parts, 1)

    def log_prob(self, queries: Tensor) -> Tensor:
        """log p(z | X): (B, M), in the queries' dtype. The relevance of Set2Model."""
        return self.log_joint(queries).logsumexp(-1).to(queries.dtype)

    def responsibilities(self, queries: Tensor) -> Tensor:
        """p(component | z, X): (B, M, k), summing to 1 over components, in the queries' dtype."""
        return self.log_joint(queries).softmax(-1).to(queries.dtype)

    def to(self, dtype: torch.dtype) -> Mixture:
        """The same densities in another floating-point type."""
        return Mixture(self.weights.to(dtype), self.means.to(dtype), self.variances.to(dtype), self.record)


def with_squares(x: Tensor) -> Tensor:
    """(..., n) to (..., 2n): x, then its elementwise square. A diagonal Gaussian's log density is linear in these."""
    return torch.cat([x, x.square()], -1)


def log_joint(squared: Tensor, weights: Tensor, means: Tensor, variances: Tensor) -> Tensor:
    """log(pi_k N(x; mu_k, sigma_k^2)), (B, M, k), of `with_squares` (B, M, 2n): no (B, M, k, n) tensor is made."""
    precision = 1 / variances
    linear = torch.cat([means * precision, -0.5 * precision], -1)  # (B, k, 2n)
    constant = (variances.log() + means.square() * precision).sum(-1) + means.shape[-1] * math.log(2 * math.pi)
    return squared @ linear.mT + (log_weights(weights) - 0.5 * constant).unsqueeze(1)


def log_weights(weights: Tensor) -> Tensor:
    """log pi with -inf for an empty component, and a gradient that is zero there rather than NaN."""
    held = weights > 0
    return torch.where(held, torch.where(held, weights, 1.0).log(), -math.inf)
