"""AVG: keep the mean descriptor."""

from __future__ import annotations

from torch import Tensor

from s2m.models.checks import check_queries, check_set
from s2m.relevance.base import Relevance, Scorer


class Average(Relevance):
    """r(z | X) = <z, mean of X>: the dot product with the mean descriptor. Explained in the chapter "The problem".

    >>> import torch
    >>> Average()(torch.tensor([[[1.0, 0.0], [0.0, 1.0]]]), torch.tensor([[1.0, 0.0]]))
    tensor([[0.5000]])
    """

    def fit(self, examples: Tensor, weights: Tensor | None = None) -> Scorer:
        """Keep one descriptor a set. Raises S2MError on an empty set, NaN, or shapes that do not match."""
        x, w = check_set(examples, weights)
        mean = w.unsqueeze(1) @ x / w.sum(1)[:, None, None]  # (B, 1, n)

        def score(queries: Tensor) -> Tensor:
            z = check_queries(queries, len(mean), mean.shape[2])
            return (mean @ z.mT).squeeze(1).to(queries.dtype)

        return score
