"""NCM: keep the mean, measure the distance to it by a metric that is learned."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from s2m.errors import S2MError
from s2m.models.checks import check_queries, check_set, check_size
from s2m.relevance.base import Relevance, Scorer


class NearestMean(Relevance):
    """r(z | X) = -||W z - W mean of X||^2, with a matrix W (m, n) that is learned: the nearest class mean classifier.

    From Mensink, Verbeek, Perronnin and Csurka (2013), who learn W alone, on descriptors that are given, by a softmax
    over the classes; their factor 1/2 is in the scale of the softmax. With the embedding frozen it is theirs; with W
    the identity, as at the start, it is `Prototypes`.

    Args:
        size: n, the numbers of a descriptor.
        rank: m, at most n; None is n.

    Raises:
        S2MError: a rank that is not between 1 and size.

    >>> NearestMean(2)(torch.tensor([[[1.0, 0.0], [0.0, 1.0]]]), torch.tensor([[1.0, 0.0]])).item()
    -0.5
    """

    def __init__(self, size: int, rank: int | None = None) -> None:
        super().__init__()
        rank = size if rank is None else rank
        if not 1 <= rank <= size:
            raise S2MError(f"rank is {rank} for descriptors of {size} numbers: give a rank from 1 to {size}")
        self.metric = nn.Parameter(torch.eye(rank, size))

    def fit(self, examples: Tensor, weights: Tensor | None = None) -> Scorer:
        """Keep one descriptor a set. Raises S2MError on an empty set, NaN, or shapes that do not match.

        examples: (B, N, n); weights: (B, N), 1 for an example and 0 for padding.
        """
        x, w = check_set(examples, weights)
        check_size(x, self.metric.shape[1])
        mean = w.unsqueeze(1) @ x / w.sum(1)[:, None, None]  # (B, 1, n)
        metric = self.metric.to(x)

        def score(queries: Tensor) -> Tensor:
            z = check_queries(queries, len(mean), mean.shape[2])
            return -(z @ metric.mT - mean @ metric.mT).square().sum(2).to(queries.dtype)

        return score
