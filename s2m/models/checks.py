"""What every fit asks of its input, in one place."""

from __future__ import annotations

import torch
from torch import Tensor

from s2m.errors import S2MError


def check_set(descriptors: Tensor, weights: Tensor | None) -> tuple[Tensor, Tensor]:
    """Descriptors as float64 (B, N, n) and example weights as float64 (B, N), or an error that names the cause.

    An example of weight 0 is padding: its descriptor is never read, so it may hold anything, NaN included.
    """
    if descriptors.ndim == 2:
        descriptors = descriptors.unsqueeze(0)
    if descriptors.ndim != 3:
        raise S2MError(f"descriptors have shape {tuple(descriptors.shape)}: give (B, N, n), or (N, n) for one set")
    if not descriptors.is_floating_point():
        raise S2MError(f"descriptors are {descriptors.dtype}: give floating point, e.g. descriptors.float()")
    if 0 in descriptors.shape:
        raise S2MError(f"an empty set, shape {tuple(descriptors.shape)}: every set needs at least one example")
    batch, count, _ = descriptors.shape
    descriptors = descriptors.double()
    if weights is None:
        weights = descriptors.new_ones(batch, count)
    else:
        weights = torch.as_tensor(weights, device=descriptors.device).double()
        weights = weights.unsqueeze(0) if weights.ndim == 1 else weights
        if weights.shape != (batch, count):
            raise S2MError(f"weights have shape {tuple(weights.shape)}: give ({batch}, {count}), one weight an example")
        if not bool(torch.isfinite(weights).all() and (weights >= 0).all()):
            raise S2MError("a weight is negative or not finite: give 1 for an example and 0 for padding")
        empty = (weights.sum(1) == 0).nonzero().flatten().tolist()
        if empty:
            raise S2MError(f"all weights are zero in set {empty[0]}: every set needs at least one example")
        descriptors = torch.where((weights > 0).unsqueeze(-1), descriptors, 0.0)
    bad = (~torch.isfinite(descriptors)).flatten(1).any(1).nonzero().flatten().tolist()
    if bad:
        raise S2MError(
            f"set {bad[0]} has a NaN or infinite descriptor: look at the images or the embedding it came from"
        )
    return descriptors, weights


def check_queries(queries: Tensor, batch: int, size: int) -> Tensor:
    """Queries as float64 (B or 1, M, n): one list for each set, or one list shared by all."""
    return as_batch(queries, batch, size).double()


def as_batch(queries: Tensor, batch: int, size: int) -> Tensor:
    """The same in their own type: a large collection need not be copied at once."""
    if queries.ndim == 2:
        queries = queries.unsqueeze(0)
    if queries.ndim != 3 or queries.shape[2] != size or queries.shape[0] not in (1, batch):
        raise S2MError(
            f"queries have shape {tuple(queries.shape)}: give ({batch}, M, {size}), or (M, {size}) for every set"
        )
    return queries


def check_variances(variances: Tensor, held: Tensor, sets: Tensor | None = None) -> None:
    """Maximum likelihood has no maximum where a variance vanishes; say so rather than return an infinite density.

    variances: (B, k, n); held: (B, k), the components that hold examples; sets: (B,) the numbers of the sets, where
    they are not 0 to B - 1.
    """
    vanished = ((variances <= 0) & held.unsqueeze(-1)).nonzero()
    if len(vanished):
        place = vanished[0].tolist()
        number = place[0] if sets is None else int(sets[place[0]])
        raise S2MError(
            f"maximum likelihood has no maximum: set {number}, component {place[1]} has zero variance in dimension "
            f"{place[2]}; give a prior, e.g. prior=VariancePrior()"
        )


def check_size(descriptors: Tensor, size: int) -> None:
    """Weights for descriptors of `size` numbers fit no others."""
    if descriptors.shape[-1] != size:
        found = descriptors.shape[-1]
        raise S2MError(f"descriptors have {found} numbers, the relevance has weights for {size}: build it for {found}")
