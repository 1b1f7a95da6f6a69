"""How many components: the Bayesian information criterion."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from s2m.errors import S2MError
from s2m.models.checks import check_set
from s2m.models.em import fit_mixture
from s2m.models.mixture import Mixture
from s2m.models.prior import DEFAULT_PRIOR, VariancePrior


@dataclass(frozen=True)
class Selection:
    """components: (B,) the number chosen for each set; bic: (B, K) the criterion for 1..K, lower is better;
    density: a `Mixture` of K components of which each set uses its own number, the others having weight 0."""

    components: Tensor
    bic: Tensor
    density: Mixture


def select_components(
    descriptors: Tensor,
    max_components: int = 4,
    weights: Tensor | None = None,
    prior: VariancePrior | None = DEFAULT_PRIOR,
    generator: torch.Generator | None = None,
) -> Selection:
    """Fit 1..max_components Gaussians to every set and keep the number with the lowest BIC (Schwarz, 1978).

    BIC(k) = 2 k n log N - 2 log p(X | X), with 2 k n parameters, N the sum of the set's weights and n the descriptor
    size. The choice is piecewise constant: gradients flow through the chosen fit, not through the choice.

    Args: as `fit_mixture`. Raises: as `fit_mixture`. Explained in the chapter "The network".

    >>> generator = torch.Generator().manual_seed(0)
    >>> blob = torch.randn(40, 2, generator=generator)
    >>> select_components(torch.cat([blob, blob + 20])).components.tolist()
    [2]
    """
    if max_components < 1:
        raise S2MError(f"max_components is {max_components}: give at least 1")
    x, w = check_set(descriptors, weights)
    fits, criteria = [], []
    for k in range(1, max_components + 1):
        density = fit_mixture(x, k, w, prior, generator=generator)
        fits.append(density)
        likelihood = (density.log_prob(x.detach()).detach() * w).sum(1)
        criteria.append(2 * k * x.shape[2] * w.detach().sum(1).log() - 2 * likelihood)
    bic = torch.stack(criteria, 1)
    chosen = bic.argmin(1)
    rows = torch.arange(len(x), device=x.device)

    def pick(name: str, fill: float) -> Tensor:
        padded = []
        for fit in fits:
            value = getattr(fit, name)
            surplus = value.new_full((len(value), max_components - value.shape[1], *value.shape[2:]), fill)
            padded.append(torch.cat([value, surplus], 1))
        return torch.stack(padded, 1)[rows, chosen]

    density = Mixture(pick("weights", 0.0), pick("means", 0.0), pick("variances", 1.0)).to(descriptors.dtype)
    return Selection(chosen + 1, bic, density)
