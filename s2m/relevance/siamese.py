"""The Siamese net: keep every descriptor, learn which differences matter."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from s2m.errors import S2MError
from s2m.models.checks import check_queries, check_set, check_size
from s2m.relevance.base import Relevance, Scorer


class Siamese(Relevance):
    """r(z | X) = max over x in X of v(z, x), with v the log odds that z and x are of one concept.

        v(z, x) = sum_d a_d |z_d - x_d| + b,  p(same | z, x) = sigmoid(v(z, x)),

    a weighted L1 distance whose weights a and bias b are learned, by `VerificationLoss`. The nearest example decides.
    From Koch, Zemel and Salakhutdinov (2015), who train on pairs: with one example a set this is the same.

    It looks at every number of every pair: B N M n numbers of memory at once.

    Args:
        size: n, the numbers of a descriptor.

    Raises:
        S2MError: a size below 1.

    >>> relevance = Siamese(4)
    >>> query = torch.tensor([[1.0, 0.0, 0.0, 0.0]])
    >>> relevance(torch.tensor([[[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0]]]), query).item() == relevance.bias.item()
    True
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        if size < 1:
            raise S2MError(f"size is {size}: give the numbers of a descriptor, at least 1")
        self.weight = nn.Parameter(-torch.ones(size))
        # Undecided at a distance that lies between those of equal and of different characters, in conv-4 and in LeNet.
        self.bias = nn.Parameter(torch.tensor(math.sqrt(size) / 2))

    def fit(self, examples: Tensor, weights: Tensor | None = None) -> Scorer:
        """Keep all descriptors of a set. Raises S2MError on an empty set, NaN, or shapes that do not match.

        examples: (B, N, n); weights: (B, N), 1 for an example and 0 for padding.
        """
        x, w = check_set(examples, weights)
        check_size(x, len(self.weight))
        weight, bias = self.weight.to(x), self.bias.to(x)

        def score(queries: Tensor) -> Tensor:
            z = check_queries(queries, len(x), x.shape[2])
            odds = (x.unsqueeze(2) - z.unsqueeze(1)).abs() @ weight + bias  # (B, N, M)
            return odds.masked_fill((w == 0).unsqueeze(2), -torch.inf).amax(1).to(queries.dtype)

        return score
