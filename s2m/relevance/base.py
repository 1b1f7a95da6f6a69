"""The interface of every relevance."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

Scorer = Callable[[Tensor], Tensor]
"""Queries (B, M, n), or (1, M, n) or (M, n) shared by all sets, to relevances (B, M); greater is more relevant."""


class Relevance(nn.Module):
    """r(z | X): how relevant a query z is to a concept set X, both given as descriptors.

    A method says what it keeps of a set: `fit` returns it as a function of the queries. Nothing is left on the module,
    so one object can score any number of sets at once. Parameters of the module are learned with the embedding.
    """

    def fit(self, examples: Tensor, weights: Tensor | None = None) -> Scorer:
        """What is kept of each set, as a function that scores queries.

        examples: (B, N, n); weights: (B, N), 1 for an example and 0 for padding.
        """
        raise NotImplementedError(f"{type(self).__name__} must say what it keeps of a set: define fit")

    def forward(self, examples: Tensor, queries: Tensor, weights: Tensor | None = None) -> Tensor:
        """Relevance of every query to its set: (B, M)."""
        return self.fit(examples, weights)(queries)
