"""The softmax over concepts: which of the concepts of a step is a query of?"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from s2m.errors import S2MError


class SoftmaxLoss(nn.Module):
    """Cross-entropy of saying which of N concepts a query belongs to, by a softmax over its relevances.

    p(concept i | z) = exp(c r(z | X_i)) / sum_j exp(c r(z | X_j)), with a scale c > 0. With r a log density and c = 1
    this is Bayes' rule for equally frequent concepts; the classification loss of Matching Nets and ProtoNets (Vinyals
    et al., 2016; Snell et al., 2017).

    Args:
        scale: c at the start, > 0.
        learn: learn c with the network; it is kept as a logarithm, so that it stays positive.

    Raises:
        S2MError: a scale that is not positive, scores of another shape, fewer than two concepts, or scores that are not
        finite.

    >>> loss = SoftmaxLoss()
    >>> loss(torch.tensor([[[9.0], [0.0]], [[0.0], [9.0]]])).item() < 1e-3  # each query to its own concept
    True
    """

    def __init__(self, scale: float = 1.0, learn: bool = True) -> None:
        super().__init__()
        if not scale > 0:
            raise S2MError(f"scale is {scale}: give a positive number")
        self.log_scale = nn.Parameter(torch.tensor(float(scale)).log(), requires_grad=learn)

    def forward(self, scores: Tensor) -> Tensor:
        """scores: (N, N, P), [i, j, p] the relevance of query p of concept j to the examples of concept i; a scalar."""
        if scores.ndim != 3 or len(scores) != scores.shape[1] or len(scores) < 2 or not scores.shape[2]:
            raise S2MError(f"scores have shape {tuple(scores.shape)}: give (N, N, P) for N >= 2 concepts and P queries")
        if not bool(torch.isfinite(scores).all()):
            raise S2MError("a score is NaN or infinite: look at the embedding or lower the learning rate")
        logits = self.log_scale.exp() * scores.permute(1, 2, 0).flatten(0, 1)  # (N P, N)
        truth = torch.arange(len(scores), device=scores.device).repeat_interleave(scores.shape[2])
        return nn.functional.cross_entropy(logits, truth)
