"""The verification loss against torch's binary cross-entropy."""

import math

import pytest
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from s2m.losses import VerificationLoss

NAN, INF = float("nan"), float("inf")


def scores(*shape: int, seed: int) -> Tensor:
    return 3 * torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def by_torch(relevant: Tensor, irrelevant: Tensor) -> Tensor:
    """One tuple; a weight for every pair, so that either class of pairs weighs one half."""
    labels = torch.cat([torch.ones_like(relevant), torch.zeros_like(irrelevant)])
    weights = torch.cat(
        [torch.full_like(relevant, 0.5 / len(relevant)), torch.full_like(irrelevant, 0.5 / len(irrelevant))]
    )
    return binary_cross_entropy_with_logits(torch.cat([relevant, irrelevant]), labels, weights, reduction="sum")


@pytest.mark.parametrize(("relevant", "irrelevant"), [(1, 1), (5, 8), (15, 200)])
def test_against_torch(relevant: int, irrelevant: int) -> None:
    same, other = scores(3, relevant, seed=0), scores(3, irrelevant, seed=1)
    expected = torch.stack([by_torch(*one) for one in zip(same, other)]).mean()
    assert VerificationLoss()(same, other).item() == pytest.approx(expected.item(), rel=1e-12)  # rounding


def test_a_mask_leaves_scores_out() -> None:
    """Unequally many in each tuple, and whatever they are, in the gradient too."""
    same, other = scores(2, 4, seed=0).requires_grad_(), scores(2, 7, seed=1)
    mask = torch.ones(2, 7, dtype=torch.bool)
    mask[0, 3], mask[1, 5], mask[1, 6] = False, False, False
    expected = (by_torch(same[0], other[0][mask[0]]) + by_torch(same[1], other[1][mask[1]])) / 2
    for value in (0.0, 1e9, INF, NAN):
        filled = torch.where(mask, other, value).requires_grad_()
        loss = VerificationLoss()(same, filled, mask)
        assert loss.item() == pytest.approx(expected.item(), rel=1e-12)  # rounding
        of_same, of_other = torch.autograd.grad(loss, (same, filled))
        torch.testing.assert_close(of_same, torch.autograd.grad(expected, same, retain_graph=True)[0])
        assert ((of_other != 0) == mask).all()


def test_gradcheck() -> None:
    inputs = scores(2, 4, seed=3).requires_grad_(), scores(2, 5, seed=4).requires_grad_()
    assert torch.autograd.gradcheck(VerificationLoss(), inputs)


def test_undecided_and_sure() -> None:
    zero = torch.zeros(2, 3)
    assert VerificationLoss()(zero, zero).item() == pytest.approx(math.log(2))
    assert VerificationLoss()(zero + 1e4, zero - 1e4).item() == 0
    assert VerificationLoss()(zero - 1e4, zero + 1e4).item() == pytest.approx(1e4)  # wrong and sure, yet finite


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_narrow_scores(dtype: torch.dtype) -> None:
    same, other = scores(2, 9, seed=0).to(dtype), scores(2, 9, seed=1).to(dtype)
    loss = VerificationLoss()(same, other)
    assert loss.dtype == dtype
    expected = VerificationLoss()(same.double(), other.double()).item()
    assert loss.item() == pytest.approx(expected, rel=torch.finfo(dtype).eps)  # one rounding, of the result
