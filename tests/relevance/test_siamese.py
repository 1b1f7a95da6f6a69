"""The Siamese net against a loop over pairs."""

import numpy as np
import pytest
import torch

from s2m import S2MError
from s2m.losses import VerificationLoss
from s2m.relevance import Siamese


def test_against_a_loop() -> None:
    rng = np.random.default_rng(0)
    examples, queries, mask = rng.normal(size=(3, 5, 4)), rng.normal(size=(3, 6, 4)), rng.random((3, 5)) > 0.3
    weight, bias = rng.normal(size=4), rng.normal()  # of either sign
    relevance = Siamese(4).double()
    relevance.load_state_dict({"weight": torch.from_numpy(weight), "bias": torch.tensor(bias, dtype=torch.float64)})
    found = relevance(*map(torch.from_numpy, (examples, queries, mask))).detach()
    for x, z, kept, row in zip(examples, queries, mask, found, strict=True):
        expected = [max(float(weight @ np.abs(one - other) + bias) for other in x[kept]) for one in z]
        np.testing.assert_allclose(row, expected, rtol=1e-10, atol=1e-12)  # rounding


def test_at_the_start_it_is_the_l1_distance() -> None:
    rng = np.random.default_rng(1)
    examples, queries = torch.from_numpy(rng.normal(size=(2, 5, 9))), torch.from_numpy(rng.normal(size=(2, 6, 9)))
    nearest = torch.cdist(examples, queries, p=1).amin(1)
    torch.testing.assert_close(Siamese(9)(examples, queries), 1.5 - nearest)


def test_verification_teaches_which_differences_matter() -> None:
    """Concepts differ in the first number; the second only disturbs."""
    generator = torch.Generator().manual_seed(0)
    centres = torch.tensor([[1.0, 0.0], [-1.0, 0.0]])
    examples, queries = (
        centres[:, None] + torch.tensor([0.1, 2.0]) * torch.randn(2, 20, 2, generator=generator) for _ in range(2)
    )
    relevance, loss = Siamese(2), VerificationLoss()
    optimizer = torch.optim.Adam(relevance.parameters(), lr=0.05)
    for _ in range(50):
        optimizer.zero_grad()
        loss(relevance(examples[:, :1], queries), relevance(examples[:, :1], queries.flip(0))).backward()
        optimizer.step()
    of_signal, of_noise = relevance.weight.detach()
    assert of_signal < -1 < -0.5 < of_noise


def test_errors() -> None:
    with pytest.raises(S2MError, match="size is 0: give the numbers of a descriptor"):
        Siamese(0)
    with pytest.raises(S2MError, match="descriptors have 3 numbers, the relevance has weights for 4: build it for 3"):
        Siamese(4)(torch.ones(1, 2, 3), torch.ones(1, 3))
