"""The softmax over concepts against a loop, and the scale it learns."""

import math

import pytest
import torch

from s2m import S2MError
from s2m.losses import SoftmaxLoss


def test_against_a_loop() -> None:
    scores = torch.randn(4, 4, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    loss = SoftmaxLoss(0.5).double()
    expected = 0.0
    for j in range(4):
        for p in range(3):
            odds = [math.exp(0.5 * scores[i, j, p].item()) for i in range(4)]
            expected -= math.log(odds[j] / sum(odds)) / 12
    assert loss(scores).item() == pytest.approx(expected, rel=1e-7)  # the scale is made in float32


def test_it_knows_nothing_at_first() -> None:
    assert SoftmaxLoss()(torch.zeros(5, 5, 2)).item() == pytest.approx(math.log(5))


def test_it_learns_its_scale() -> None:
    """Relevances in the right order are worth more at a greater scale."""
    loss = SoftmaxLoss()
    loss(torch.eye(3).unsqueeze(-1)).backward()
    assert loss.log_scale.grad is not None
    assert loss.log_scale.grad < 0


def test_its_scale_can_stay() -> None:
    loss = SoftmaxLoss(2.0, learn=False)
    assert not loss.log_scale.requires_grad
    assert loss(torch.eye(3).unsqueeze(-1)).item() == SoftmaxLoss(2.0)(torch.eye(3).unsqueeze(-1)).item()
    assert loss.state_dict().keys() == SoftmaxLoss().state_dict().keys()


@pytest.mark.parametrize("shape", [(3, 3), (2, 3, 4), (1, 1, 4), (3, 3, 0)])
def test_it_needs_every_query_scored_by_every_concept(shape: tuple[int, ...]) -> None:
    with pytest.raises(S2MError, match=r"give \(N, N, P\) for N >= 2 concepts"):
        SoftmaxLoss()(torch.zeros(shape))


def test_it_refuses_what_is_no_number() -> None:
    with pytest.raises(S2MError, match="NaN or infinite"):
        SoftmaxLoss()(torch.full((2, 2, 1), float("nan")))
    with pytest.raises(S2MError, match="scale is 0: give a positive number"):
        SoftmaxLoss(0)
