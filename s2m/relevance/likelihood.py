"""Set2Model: keep a density."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from s2m.errors import S2MError
from s2m.models import Mixture, VariancePrior, fit_mixture, select_components
from s2m.models.prior import DEFAULT_PRIOR
from s2m.models.study import Gradient, check_gradient
from s2m.relevance.base import Relevance, Scorer

Components = int | Literal["bic"]


class Likelihood(Relevance):
    """r(z | X) = log p(z | X), the log density of z under the mixture fitted to X.

    Explained in the chapter "The network".

    Args:
        components: k >= 1 Gaussians, or "bic" to choose between 1 and 4 for every set.
        prior: the prior on the variances; None is maximum likelihood.
        learn_prior: learn the prior's strength and variance with the embedding (as logarithms, so that they stay
            positive).
        gradient: "exact"; the others are for study, with a fixed number of components >= 2, see `s2m.models.study`.

    Raises:
        S2MError: components that are neither a number >= 1 nor "bic"; learn_prior without a prior, or with a gradient
            that does not reach it; an unknown gradient.

    >>> relevance = Likelihood(components=1, prior=None)
    >>> relevance(torch.tensor([[[0.0], [2.0]]]), torch.tensor([[1.0]]))
    tensor([[-0.9189]])
    """

    def __init__(
        self,
        components: Components = 1,
        prior: VariancePrior | None = DEFAULT_PRIOR,
        learn_prior: bool = False,
        gradient: Gradient = "exact",
    ) -> None:
        super().__init__()
        if components != "bic" and (not isinstance(components, int) or components < 1):
            raise S2MError(f'components is {components!r}: give a number >= 1, or "bic"')
        if prior is None and learn_prior:
            raise S2MError("learn_prior needs a prior to start from: give prior=VariancePrior()")
        check_gradient(gradient)
        if learn_prior and gradient == "published":
            raise S2MError('the "published" gradient does not reach the prior: learn_prior needs another one')
        self.components, self.gradient = components, gradient
        logs = None if prior is None else torch.tensor([float(prior.strength), float(prior.variance)]).log()
        self.log_prior: Tensor | None
        if learn_prior:
            self.register_parameter("log_prior", nn.Parameter(logs))
        else:
            self.register_buffer("log_prior", logs)

    @property
    def prior(self) -> VariancePrior | None:
        """The prior as it now is, differentiable where it is learned."""
        if self.log_prior is None:
            return None
        strength, variance = self.log_prior.exp().unbind()
        return VariancePrior(strength, variance)

    def density(self, examples: Tensor, weights: Tensor | None = None) -> Mixture:
        """The mixtures fitted to examples (B, N, n)."""
        if self.components == "bic":
            return select_components(examples, weights=weights, prior=self.prior).density
        return fit_mixture(examples, self.components, weights, self.prior, gradient=self.gradient)

    def fit(self, examples: Tensor, weights: Tensor | None = None) -> Scorer:
        """Keep 2 k n + k numbers a set. Raises S2MError as `fit_mixture` does."""
        return self.density(examples, weights).log_prob
