"""The histogram loss: relevant queries before irrelevant ones, whatever the scale of relevances."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from s2m.errors import S2MError
from s2m.losses.checks import check_scores


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
        # In float64, so that the histogram is free of autocast's rounding; a score left out hides in the range.
        positives, negatives, counted = check_scores(relevant, irrelevant, mask)
        scores = torch.cat([positives, negatives], 1)
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
