"""NN: keep every descriptor."""

from __future__ import annotations

import torch
from torch import Tensor

from s2m.models.checks import check_queries, check_set
from s2m.relevance.base import Relevance, Scorer


class Nearest(Relevance):
    """r(z | X) = max over x in X of <z, x>: the largest dot product. Explained in the chapter "The problem".

    >>> Nearest()(torch.tensor([[[1.0, 0.0], [0.0, 1.0]]]), torch.tensor([[0.6, 0.8]]))
    tensor([[0.8000]])
    """

    def fit(self, examples: Tensor, weights: Tensor | None = None) -> Scorer:
        """Keep all descriptors of a set. Raises S2MError on an empty set, NaN, or shapes that do not match."""
        x, w = check_set(examples, weights)

        def score(queries: Tensor) -> Tensor:
            z = check_queries(queries, len(x), x.shape[2])
            similarity = torch.where((w > 0).unsqueeze(2), x @ z.mT, -torch.inf)  # (B, N, M)
            return similarity.amax(1).to(queries.dtype)

        return score
