"""One Gaussian: the closed form."""

from __future__ import annotations

import torch
from torch import Tensor

from s2m.models.checks import check_set, check_variances
from s2m.models.mixture import FitRecord, Mixture
from s2m.models.prior import DEFAULT_PRIOR, VariancePrior, log_prior, natural_parameters


def fit_gaussian(
    descriptors: Tensor, weights: Tensor | None = None, prior: VariancePrior | None = DEFAULT_PRIOR
) -> Mixture:
    """The most probable diagonal Gaussian of every set, in closed form.

    mu = sum_i w_i x_i / W and sigma^2 = (sum_i w_i (x_i - mu)^2 + 2 beta) / (W + 2 alpha), with W the sum of the
    weights.

    Args:
        descriptors: (B, N, n), or (N, n) for one set, which counts as B = 1.
        weights: (B, N), 1 for an example and 0 for padding; None means all 1.
        prior: the prior on the variances; None is maximum likelihood, as published.

    Returns:
        A `Mixture` with one component, in the descriptors' dtype, differentiable in descriptors, weights and prior.

    Raises:
        S2MError: an empty set, NaN or infinite values, shapes that do not match, all weights zero; and with prior=None
            a variance that vanishes.

    Derived in the chapter "The network".

    >>> density = fit_gaussian(torch.tensor([[0.0], [2.0]]), prior=None)
    >>> density.means.item(), density.variances.item()
    (1.0, 1.0)
    """
    x, w = check_set(descriptors, weights)
    alpha, beta = natural_parameters(prior, x.device)
    total = w.sum(1)[:, None, None]
    means = w.unsqueeze(1) @ x / total  # (B, 1, n)
    scatter = w.unsqueeze(1) @ (x - means).square()
    variances = (scatter + 2 * beta) / (total + 2 * alpha)
    check_variances(variances, torch.ones_like(variances[..., 0], dtype=torch.bool))
    density = Mixture(torch.ones_like(total[..., 0]), means, variances)
    with torch.no_grad():
        likelihood = (density.log_prob(x) * w).sum(1)
        objective = likelihood + log_prior(variances, alpha, beta).sum(1)
    record = FitRecord(
        iterations=torch.zeros_like(objective, dtype=torch.long),
        residual=torch.zeros_like(objective),
        objective=objective.unsqueeze(0),
        converged=torch.ones_like(objective, dtype=torch.bool),
    )
    return Mixture(density.weights, means, variances, record).to(descriptors.dtype)
