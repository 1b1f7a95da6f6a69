"""Matching Nets: keep every descriptor, let each vote by its likeness."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from s2m.models.checks import check_queries, check_set, check_size
from s2m.relevance.base import Relevance, Scorer
from s2m.relevance.context import FullContext

START = 10.0  # of c: with c = 1, as cosines are at most 1, not even a perfect embedding could be sure


class Matching(Relevance):
    """r(z | X) = log sum over x in X of exp(c cos(z, x)), a soft maximum of cosines, with a scale c that is learned.

    A softmax over the relevances of N concepts is the attention classifier of Matching Nets (Vinyals, Blundell,
    Lillicrap, Kavukcuoglu and Wierstra, 2016): attention a(z, x) = softmax over all examples x of the task of
    c cos(z, x), and a concept gets the attention of its examples,

        p(concept i | z) = sum over x in X_i of a(z, x).

    A concept with more examples has more votes, as in theirs. The scale of the softmax loss would be a second one
    outside the sum: `learn_scale = false` in a config keeps it at 1. Theirs has no scale at all, c = 1.

    Args:
        context: make descriptors anew in view of the task, see `FullContext`. The sets of a batch are taken to be the
            N concepts of the task, so that what a set is scored depends on the others, and on the order of examples.

    >>> relevance = Matching()(torch.tensor([[[1.0, 0.0], [0.0, 1.0]]]), torch.tensor([[1.0, 0.0]]))
    >>> round(relevance.item(), 3)  # of log(exp(10) + exp(0))
    10.0
    """

    def __init__(self, context: FullContext | None = None) -> None:
        super().__init__()
        self.context = context
        self.log_scale = nn.Parameter(torch.tensor(math.log(START)))

    def fit(self, examples: Tensor, weights: Tensor | None = None) -> Scorer:
        """Keep all descriptors of a set. Raises S2MError on an empty set, NaN, or shapes that do not match.

        examples: (B, N, n); weights: (B, N), 1 for an example and 0 for padding.
        """
        x, w = check_set(examples, weights)
        present = w > 0
        task = x[present]  # (S, n), all examples of all sets
        if self.context is not None:
            check_size(x, self.context.size)
            task = self.context.examples(task)
        kept = torch.zeros_like(x).index_put((present,), normalize(task, dim=1))
        votes = torch.where(present, w, 1.0).log().masked_fill(~present, -torch.inf)
        scale = self.log_scale.to(x).exp()

        def score(queries: Tensor) -> Tensor:
            z = check_queries(queries, len(x), x.shape[2])
            if self.context is not None:
                z = self.context.queries(z.flatten(0, 1), task).unflatten(0, z.shape[:2])
            cosine = kept @ normalize(z, dim=2).mT  # (B, N, M)
            return (scale * cosine + votes.unsqueeze(2)).logsumexp(1).to(queries.dtype)

        return score
