"""What a step of training minimises: relevances of the queries of its tuples, judged by the losses of a config."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from s2m.config import Config
from s2m.losses import HistogramLoss, SoftmaxLoss, VerificationLoss
from s2m.relevance import Relevance


class Objective(nn.Module):
    """The loss that a config names, for T tuples of descriptors; a softmax may learn its scale with the network."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.own, self.relevant = config.negatives == "own", config.relevant
        self.pairwise: nn.Module | None = None  # judges relevant beside irrelevant scores
        if config.loss in ("histogram", "both"):
            self.pairwise = HistogramLoss(config.bins, config.kernel_width)
        elif config.loss == "verification":
            self.pairwise = VerificationLoss()
        self.softmax = SoftmaxLoss(config.scale, config.learn_scale) if config.has_softmax else None

    def forward(self, relevance: Relevance, examples: Tensor, queries: Tensor, foreign: Tensor) -> Tensor:
        """A scalar.

        examples: (T, N, n) descriptors of the concept sets; queries: (T, M, n), the relevant ones of each tuple first;
        foreign: (T, T M), which query of the whole step is irrelevant to a concept; asked where negatives = "batch".
        """
        if self.own:
            scores = relevance(examples, queries)
            return self.pairwise(scores[:, : self.relevant], scores[:, self.relevant :])
        scores = relevance(examples, queries.flatten(0, 1)).unflatten(1, queries.shape[:2])  # (T, T, M)
        losses = []
        if self.pairwise is not None:
            own = scores.diagonal(dim1=0, dim2=1).mT[:, : self.relevant]
            losses.append(self.pairwise(own, scores.flatten(1), foreign))
        if self.softmax is not None:
            losses.append(self.softmax(scores[:, :, : self.relevant]))
        return torch.stack(losses).sum()
