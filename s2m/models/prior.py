"""The conjugate prior that keeps every variance away from zero."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from s2m.errors import S2MError


@dataclass(frozen=True)
class VariancePrior:
    """An inverse-gamma prior on every variance, told as examples that were never seen.

    A component that holds N examples with squared deviations summing to S gets the variance

        sigma^2 = (S + strength * variance) / (N + strength),

    as if `strength` further examples had been seen whose squared deviation is `variance`. In the usual notation the log
    density is ``-(alpha log sigma^2 + beta / sigma^2)`` with ``alpha = strength / 2`` and ``beta = strength * variance
    / 2``. The M step stays closed form and its fixed point is a true maximum, so that implicit differentiation is
    exact. Maximum likelihood, as published, is the case of no prior: pass ``prior=None`` to a fit.

    Args:
        strength: pseudo-examples a component, > 0; a float, or a scalar tensor to learn it.
        variance: their squared deviation in units of the descriptors squared, > 0; the default suits l2-normalised
            descriptors of some 64 to 128 dimensions. A float, or a scalar tensor to learn it.

    Raises:
        S2MError: if either is not a positive finite scalar.

    Explained in the chapter "The network".

    >>> VariancePrior(strength=2.0, variance=0.5).natural("cpu")
    (tensor(1., dtype=torch.float64), tensor(0.5000, dtype=torch.float64))
    """

    strength: float | Tensor = 1.0
    variance: float | Tensor = 0.01

    def __post_init__(self) -> None:
        for name in ("strength", "variance"):
            value = torch.as_tensor(getattr(self, name)).detach()
            if value.numel() != 1 or not bool(torch.isfinite(value).all() and (value > 0).all()):
                raise S2MError(
                    f"the prior's {name} is {value.tolist()}: give one positive number, or prior=None for none"
                )

    def natural(self, device: torch.device | str) -> tuple[Tensor, Tensor]:
        """(alpha, beta) as float64 scalars on `device`, differentiable in strength and variance."""
        strength = torch.as_tensor(self.strength, dtype=torch.float64, device=device).reshape(())
        variance = torch.as_tensor(self.variance, dtype=torch.float64, device=device).reshape(())
        return strength / 2, strength * variance / 2


DEFAULT_PRIOR = VariancePrior()


def natural_parameters(prior: VariancePrior | None, device: torch.device | str) -> tuple[Tensor, Tensor]:
    """(alpha, beta) of a prior, zeros where there is none."""
    if prior is None:
        zero = torch.zeros((), dtype=torch.float64, device=device)
        return zero, zero
    return prior.natural(device)


def log_prior(variances: Tensor, alpha: Tensor, beta: Tensor) -> Tensor:
    """The log prior of variances (..., n), summed over them: (...).

    It is told relative to its greatest value, at beta / alpha. That is the variance of a component that holds nothing,
    so such a component costs nothing, and the objective does not jump when one runs empty.
    """
    greatest = alpha * (1 + (beta / alpha).log()) if alpha > 0 else alpha
    return (greatest - alpha * variances.log() - beta / variances).sum(-1)
