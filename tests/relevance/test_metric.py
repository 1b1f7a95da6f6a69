"""NCM against two lines of numpy, and as ProtoNets at the start."""

import numpy as np
import pytest
import torch

from s2m import S2MError
from s2m.relevance import NearestMean, Prototypes


@pytest.mark.parametrize("rank", [1, 3, 4])
def test_against_numpy(rank: int) -> None:
    rng = np.random.default_rng(0)
    examples, queries, weights = rng.normal(size=(3, 5, 4)), rng.normal(size=(3, 6, 4)), rng.integers(1, 4, (3, 5))
    metric = rng.normal(size=(rank, 4))
    relevance = NearestMean(4, rank).double()
    relevance.load_state_dict({"metric": torch.from_numpy(metric)})
    found = relevance(*map(torch.from_numpy, (examples, queries, weights))).detach()
    for x, z, w, row in zip(examples, queries, weights, found, strict=True):
        mean = (w[:, None] * x).sum(0) / w.sum()
        expected = [-(difference @ metric.T @ metric @ difference) for difference in z - mean]
        np.testing.assert_allclose(row, expected, rtol=1e-10)  # rounding


def test_at_the_start_it_is_prototypes() -> None:
    rng = np.random.default_rng(1)
    examples, queries = torch.from_numpy(rng.normal(size=(3, 5, 4))), torch.from_numpy(rng.normal(size=(3, 6, 4)))
    torch.testing.assert_close(NearestMean(4)(examples, queries), Prototypes()(examples, queries))


def test_the_metric_is_learned() -> None:
    """A dimension that only disturbs gets less weight."""
    generator = torch.Generator().manual_seed(0)
    centres = torch.tensor([[1.0, 0.0], [-1.0, 0.0]])
    noise = torch.tensor([0.1, 3.0])
    examples, queries = (centres[:, None] + noise * torch.randn(2, 50, 2, generator=generator) for _ in range(2))
    relevance = NearestMean(2)
    optimizer = torch.optim.Adam(relevance.parameters(), lr=0.05)
    truth = torch.arange(2).repeat_interleave(50)
    for _ in range(50):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(relevance(examples, queries.flatten(0, 1)).mT, truth).backward()
        optimizer.step()
    of_signal, of_noise = relevance.metric.detach().norm(dim=0)
    assert of_noise < 0.7 < 1 < of_signal


@pytest.mark.parametrize("rank", [0, 5])
def test_a_rank_that_cannot_be(rank: int) -> None:
    with pytest.raises(S2MError, match=f"rank is {rank} for descriptors of 4 numbers: give a rank from 1 to 4"):
        NearestMean(4, rank)


def test_descriptors_of_another_size() -> None:
    with pytest.raises(S2MError, match="descriptors have 3 numbers, the relevance has weights for 4: build it for 3"):
        NearestMean(4)(torch.ones(1, 2, 3), torch.ones(1, 3))
