"""What every loss on relevant and irrelevant scores asks of them, in one place."""

from __future__ import annotations

import torch
from torch import Tensor

from s2m.errors import S2MError


def check_scores(relevant: Tensor, irrelevant: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    """Both in float64, (B, P) and (B, Q), and which irrelevant scores count, (B, Q); or an error naming the cause.

    A score that does not count may be anything: the first relevant score of its tuple stands in its place.
    """
    if relevant.ndim != 2 or irrelevant.ndim != 2 or len(relevant) != len(irrelevant):
        shapes = f"{tuple(relevant.shape)} and {tuple(irrelevant.shape)}"
        raise S2MError(f"scores have shapes {shapes}: give (B, P) and (B, Q) for the same B tuples")
    if 0 in (*relevant.shape, *irrelevant.shape):
        raise S2MError("a tuple without scores: every tuple needs a relevant and an irrelevant query")
    counted = torch.ones_like(irrelevant, dtype=torch.bool) if mask is None else mask
    if not bool(counted.any(1).all()):
        raise S2MError("a tuple whose irrelevant scores are all masked: every tuple needs one that counts")
    irrelevant = torch.where(counted, irrelevant, relevant[:, :1])
    if not bool(torch.isfinite(relevant).all() and torch.isfinite(irrelevant).all()):
        raise S2MError("a score is NaN or infinite: look at the embedding or lower the learning rate")
    return relevant.double(), irrelevant.double(), counted
