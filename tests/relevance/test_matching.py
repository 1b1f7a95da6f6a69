"""Matching Nets against their attention, example by example."""

import math

import numpy as np
import pytest
import torch

from s2m.losses import SoftmaxLoss
from s2m.relevance import Matching, Nearest


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def test_a_softmax_over_concepts_is_their_attention() -> None:
    """Concepts of 2, 5 and 4 examples, which vote with as many."""
    rng = np.random.default_rng(0)
    examples, queries = rng.normal(size=(3, 5, 4)), rng.normal(size=(6, 4))
    counts = [2, 5, 4]
    mask = np.arange(5) < np.array(counts)[:, None]
    scores = Matching()(*map(torch.from_numpy, (examples, queries, mask)))
    for z, found in zip(queries, scores.softmax(0).T.detach(), strict=True):
        kernel = [[math.exp(10 * cosine(z, x)) for x in s[:count]] for s, count in zip(examples, counts, strict=True)]
        total = sum(sum(row) for row in kernel)
        np.testing.assert_allclose(found, [sum(row) / total for row in kernel], rtol=1e-6)  # c is kept in float32


def test_a_weight_is_as_many_examples() -> None:
    rng = np.random.default_rng(1)
    examples, queries = torch.from_numpy(rng.normal(size=(1, 3, 4))), torch.from_numpy(rng.normal(size=(1, 6, 4)))
    repeated = Matching()(examples[:, [0, 1, 1, 1, 2]], queries)
    torch.testing.assert_close(Matching()(examples, queries, torch.tensor([[1.0, 3.0, 1.0]])), repeated)


def test_with_a_great_scale_it_is_the_nearest() -> None:
    rng = np.random.default_rng(2)
    examples, queries = (
        torch.nn.functional.normalize(torch.from_numpy(rng.normal(size=(2, count, 4))), dim=2) for count in (5, 6)
    )
    relevance = Matching().double()
    torch.nn.init.constant_(relevance.log_scale, math.log(1e5))
    # From the largest cosine it differs by at most log(5) / c.
    torch.testing.assert_close(relevance(examples, queries) / 1e5, Nearest()(examples, queries), rtol=0, atol=2e-5)


def test_descriptors_of_any_length() -> None:
    rng = np.random.default_rng(3)
    examples, queries = torch.from_numpy(rng.normal(size=(2, 5, 4))), torch.from_numpy(rng.normal(size=(2, 6, 4)))
    torch.testing.assert_close(Matching()(7 * examples, queries / 3), Matching()(examples, queries))


def test_the_scale_learns() -> None:
    """Queries that are the examples themselves are worth more at a greater scale."""
    relevance = Matching()
    examples = torch.eye(3).unsqueeze(1)
    SoftmaxLoss(learn=False)(relevance(examples, examples.flatten(0, 1)).unsqueeze(2)).backward()
    assert relevance.log_scale.item() == pytest.approx(math.log(10))
    assert relevance.log_scale.grad is not None
    assert relevance.log_scale.grad < 0
