"""The network: an embedding with a relevance on top."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from s2m.errors import S2MError
from s2m.models import VariancePrior
from s2m.models.prior import DEFAULT_PRIOR
from s2m.relevance import Likelihood, Relevance, Scorer
from s2m.relevance.likelihood import Components


class RelevanceNet(nn.Module):
    """Images in, relevances out: r(f(z) | f(X)), the descriptors f of length 1 unless told otherwise.

    Args:
        embedding: images (B, *image) to descriptors (B, n).
        relevance: what is kept of a set and how a query is scored against it.
        normalise: scale every descriptor to length 1, as published.

    >>> from s2m.embeddings import LeNet
    >>> from s2m.relevance import Nearest
    >>> network = RelevanceNet(LeNet(), Nearest())
    >>> network(torch.rand(3, 5, 1, 28, 28), torch.rand(3, 7, 1, 28, 28)).shape  # 3 sets of 5, 7 queries to each
    torch.Size([3, 7])
    """

    def __init__(self, embedding: nn.Module, relevance: Relevance, normalise: bool = True) -> None:
        super().__init__()
        self.embedding, self.relevance, self.normalise = embedding, relevance, normalise

    @property
    def device(self) -> torch.device:
        """Where the weights are; the CPU where there are none."""
        return next(self.parameters(), torch.empty(0)).device

    def describe(self, images: Tensor) -> Tensor:
        """Descriptors (B, n) of images (B, *image), l2-normalised if asked, float32 or wider also under autocast."""
        descriptors = self.embedding(images)
        descriptors = descriptors if descriptors.dtype == torch.float64 else descriptors.float()
        return nn.functional.normalize(descriptors, dim=-1) if self.normalise else descriptors

    def fit(self, examples: Tensor, mask: Tensor | None = None) -> Scorer:
        """Concept sets (B, N, *image) to a function that scores query *descriptors*: fit once, rank any collection."""
        present = which(examples, mask)
        return self.relevance.fit(spread(self.describe(examples[present]), present), mask)

    def forward(self, examples: Tensor, queries: Tensor, mask: Tensor | None = None) -> Tensor:
        """Relevance of every query image to its concept set.

        examples: (B, N, *image); queries: (B, M, *image); mask: (B, N), true for an example and false for padding.
        Returns (B, M). Examples and queries pass the embedding together, so that batch normalisation sees them alike.

        Raises:
            S2MError: shapes that do not match, an empty set, or what `Relevance.fit` raises.
        """
        if examples.ndim < 3 or examples.ndim != queries.ndim or examples.shape[2:] != queries.shape[2:]:
            shapes = f"{tuple(examples.shape)} and {tuple(queries.shape)}"
            raise S2MError(f"examples and queries have shapes {shapes}: give (B, N, *image) and (B, M, *image)")
        if len(examples) != len(queries):
            raise S2MError(f"{len(examples)} concept sets but queries for {len(queries)}: give queries for every set")
        present = which(examples, mask)
        kept = examples[present]
        descriptors = self.describe(torch.cat([kept, queries.flatten(0, 1)]))
        asked = descriptors[len(kept) :].unflatten(0, queries.shape[:2])
        return self.relevance(spread(descriptors[: len(kept)], present), asked, mask)


def which(examples: Tensor, mask: Tensor | None) -> Tensor:
    """(B, N), true for an image that is an example: padding never passes the embedding, so it may hold anything."""
    shape = tuple(examples.shape[:2])
    if mask is None:
        return torch.ones(shape, dtype=torch.bool, device=examples.device)
    present = torch.as_tensor(mask, device=examples.device) > 0
    if present.shape != shape:
        raise S2MError(f"the mask has shape {tuple(present.shape)}: give {shape}, true for an example")
    return present


def spread(descriptors: Tensor, present: Tensor) -> Tensor:
    """Descriptors (M, n) of the M examples that are present back to sets (B, N, n), zero where there is padding."""
    return descriptors.new_zeros(*present.shape, descriptors.shape[-1]).index_put((present,), descriptors)


class Set2Model(RelevanceNet):
    """A Set2Model network: a mixture of Gaussians is fitted to a concept set, a query's relevance is its log density.

    Everything is differentiable, the fit included, so the embedding learns end to end. Explained in the chapter "The
    network".

    Args:
        embedding: images (B, *image) to descriptors (B, n).
        components: 1, 2, ... Gaussians, or "bic" to choose between 1 and 4 for every set.
        prior: the prior on the variances; None is maximum likelihood, as published.
        learn_prior: learn the prior's strength and variance too.

    Raises:
        S2MError: as `Likelihood`.

    >>> from s2m.embeddings import Conv4
    >>> network = Set2Model(Conv4(), components=2).eval()
    >>> examples, queries = torch.rand(3, 5, 1, 28, 28), torch.rand(3, 7, 1, 28, 28)
    >>> network(examples, queries).shape
    torch.Size([3, 7])
    """

    def __init__(
        self,
        embedding: nn.Module,
        components: Components = 1,
        prior: VariancePrior | None = DEFAULT_PRIOR,
        learn_prior: bool = False,
    ) -> None:
        super().__init__(embedding, Likelihood(components, prior, learn_prior))
