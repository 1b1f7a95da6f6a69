"""ProtoNets: keep the mean, measure the distance to it."""

from __future__ import annotations

from torch import Tensor

from s2m.models.checks import check_queries, check_set
from s2m.relevance.base import Relevance, Scorer


class Prototypes(Relevance):
    """r(z | X) = -||z - mean of X||^2: the squared distance to the prototype. From Snell, Swersky and Zemel (2017).

    Up to scale and shift it is the log density of a Gaussian with one variance, in every dimension and for every
    concept. For descriptors of length 1 it is 2 <z, mean> - ||mean||^2 - 1: it ranks one concept's queries as `Average`
    does, and chooses between concepts otherwise. The softmax loss on these relevances is that of the paper.

    >>> import torch
    >>> Prototypes()(torch.tensor([[[1.0, 0.0], [0.0, 1.0]]]), torch.tensor([[1.0, 0.0]]))
    tensor([[-0.5000]])
    """

    def fit(self, examples: Tensor, weights: Tensor | None = None) -> Scorer:
        """Keep one descriptor a set. Raises S2MError on an empty set, NaN, or shapes that do not match.

        examples: (B, N, n); weights: (B, N), 1 for an example and 0 for padding.
        """
        x, w = check_set(examples, weights)
        mean = w.unsqueeze(1) @ x / w.sum(1)[:, None, None]  # (B, 1, n)

        def score(queries: Tensor) -> Tensor:
            z = check_queries(queries, len(mean), mean.shape[2])
            return -(z - mean).square().sum(2).to(queries.dtype)

        return score
