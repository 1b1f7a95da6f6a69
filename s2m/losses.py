"""What training minimises: the histogram loss of the paper, and the softmax over concepts that came after it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from s2m.errors import S2MError


class HistogramLoss(nn.Module):
    """The probability that a relevant query scores below an irrelevant one, estimated from two soft histograms.

    The scores of a tuple span [min, max], on which `bins` nodes lie evenly. A triangular kernel shares every score
    between the nodes around it, which gives normalised histograms h+ and h-, and the loss is

        L = sum_i h+[i] (sum_{j > i} h-[j] + h-[i] / 2),

    so that equal scores give 1/2. It depends on scores through their order and relative distance only: neither scale
    nor shift changes it. As bins grow it tends to the share of pairs in the wrong order, ties counted half. Sums are
    matrix products, which are deterministic on every device. From Ustinova and Lempitsky (2016); the chapter "The
    histogram loss" explains it.

    Args:
        bins: number of nodes, at least 2.
        width: half-width of the kernel in bins, at least 1; 1 shares a score between two nodes.

    Raises:
        S2MError: fewer than 2 bins, a width below 1, no scores, shapes that do not match, or scores that are not
        finite.

    >>> loss = HistogramLoss()
    >>> loss(torch.tensor([[3.0, 2.0]]), torch.tensor([[1.0, 0.0]]))  # right order
    tensor(0.)
    >>> loss(torch.tensor([[1.0, 1.0]]), torch.tensor([[1.0]]))  # all equal
    tensor(0.5000)
    """

    def __init__(self, bins: int = 100, width: float = 1.0) -> None:
        super().__init__()
        if bins < 2 or width < 1:
            raise S2MError(f"bins is {bins} and width {width}: give at least 2 bins and a width of at least 1 bin")
        self.bins, self.width = bins, width

    def forward(self, relevant: Tensor, irrelevant: Tensor, mask: Tensor | None = None) -> Tensor:
        """The mean loss of B tuples, a scalar in [0, 1].

        relevant: (B, P) scores; irrelevant: (B, Q) scores; mask: (B, Q), false for an irrelevant score to leave out.
        """
        if relevant.ndim != 2 or irrelevant.ndim != 2 or len(relevant) != len(irrelevant):
            shapes = f"{tuple(relevant.shape)} and {tuple(irrelevant.shape)}"
            raise S2MError(f"scores have shapes {shapes}: give (B, P) and (B, Q) for the same B tuples")
        if 0 in (*relevant.shape, *irrelevant.shape):
            raise S2MError("a tuple without scores: every tuple needs a relevant and an irrelevant query")
        counted = torch.ones_like(irrelevant, dtype=torch.bool) if mask is None else mask
        if not bool(counted.any(1).all()):
            raise S2MError("a tuple whose irrelevant scores are all masked: every tuple needs one that counts")
        # In float64, so that the histogram is free of autocast's rounding; a score left out hides in the range.
        scores = torch.cat([relevant, torch.where(counted, irrelevant, relevant[:, :1])], 1).double()
        if not bool(torch.isfinite(scores).all()):
            raise S2MError("a score is NaN or infinite: look at the embedding or lower the learning rate")
        low, high = scores.amin(1, keepdim=True), scores.amax(1, keepdim=True)
        span = high - low
        place = (scores - low) / torch.where(span > 0, span, 1.0) * (self.bins - 1)  # (B, P + Q) in [0, bins - 1]
        nodes = torch.arange(self.bins, dtype=scores.dtype, device=scores.device)
        kernel = (1 - (place.unsqueeze(-1) - nodes).abs() / self.width).clamp_min(0)
        kernel = kernel / kernel.sum(-1, keepdim=True)  # cut off at an end of the range, it still counts as one score
        positive = kernel[:, : relevant.shape[1]].mean(1)
        share = counted.double() / counted.sum(1, keepdim=True)
        negative = (share.unsqueeze(1) @ kernel[:, relevant.shape[1] :]).squeeze(1)
        above = torch.triu(scores.new_ones(self.bins, self.bins), 1) + torch.eye(self.bins).to(scores) / 2
        return ((positive @ above) * negative).sum(1).mean().to(relevant.dtype)


class SoftmaxLoss(nn.Module):
    """Cross-entropy of saying which of N concepts a query belongs to, by a softmax over its relevances.

    p(concept i | z) = exp(c r(z | X_i)) / sum_j exp(c r(z | X_j)), with a scale c > 0 that is learned. With r a log
    density and c = 1 this is Bayes' rule for equally frequent concepts; the classification loss of Matching Nets and
    ProtoNets (Vinyals et al., 2016; Snell et al., 2017).

    Args:
        scale: c at the start, > 0.

    Raises:
        S2MError: a scale that is not positive, scores of another shape, fewer than two concepts, or scores that are not
        finite.

    >>> loss = SoftmaxLoss()
    >>> loss(torch.tensor([[[9.0], [0.0]], [[0.0], [9.0]]])).item() < 1e-3  # each query to its own concept
    True
    """

    def __init__(self, scale: float = 1.0) -> None:
        super().__init__()
        if not scale > 0:
            raise S2MError(f"scale is {scale}: give a positive number")
        self.log_scale = nn.Parameter(torch.tensor(float(scale)).log())

    def forward(self, scores: Tensor) -> Tensor:
        """scores: (N, N, P), [i, j, p] the relevance of query p of concept j to the examples of concept i; a scalar."""
        if scores.ndim != 3 or len(scores) != scores.shape[1] or len(scores) < 2 or not scores.shape[2]:
            raise S2MError(f"scores have shape {tuple(scores.shape)}: give (N, N, P) for N >= 2 concepts and P queries")
        if not bool(torch.isfinite(scores).all()):
            raise S2MError("a score is NaN or infinite: look at the embedding or lower the learning rate")
        logits = self.log_scale.exp() * scores.permute(1, 2, 0).flatten(0, 1)  # (N P, N)
        truth = torch.arange(len(scores), device=scores.device).repeat_interleave(scores.shape[2])
        return nn.functional.cross_entropy(logits, truth)
