"""The histogram loss against a slow one, at its ends, and in its limits."""

from collections.abc import Iterator

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from s2m import HistogramLoss, S2MError

NAN, INF = float("nan"), float("inf")


def scores(*shape: int, seed: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def slow(relevant: list[float], irrelevant: list[float], bins: int, width: float) -> float:
    """One tuple, score by score and node by node, in plain Python."""
    low, high = min(relevant + irrelevant), max(relevant + irrelevant)

    def histogram(values: list[float]) -> list[float]:
        total = [0.0] * bins
        for value in values:
            place = (value - low) / (high - low) * (bins - 1) if high > low else 0.0
            share = [max(0.0, 1 - abs(place - node) / width) for node in range(bins)]
            for node in range(bins):
                total[node] += share[node] / sum(share) / len(values)
        return total

    positive, negative = histogram(relevant), histogram(irrelevant)
    loss = 0.0
    for i in range(bins):
        for j in range(bins):
            loss += positive[i] * negative[j] * (1.0 if j > i else 0.5 if j == i else 0.0)
    return loss


def wrong_pairs(relevant: Tensor, irrelevant: Tensor) -> float:
    """The share of pairs in the wrong order, ties counted half, averaged over tuples."""
    difference = irrelevant.unsqueeze(1) - relevant.unsqueeze(2)
    return float(((difference > 0).double() + (difference == 0).double() / 2).mean())


@pytest.mark.parametrize("width", [1.0, 1.5, 2.0, 4.0])
@pytest.mark.parametrize("bins", [2, 3, 10, 100])
def test_against_the_slow_one(bins: int, width: float) -> None:
    relevant, irrelevant = scores(3, 5, seed=bins) + 0.5, scores(3, 8, seed=bins + 1)
    expected = [slow(r.tolist(), i.tolist(), bins, width) for r, i in zip(relevant, irrelevant, strict=True)]
    found = HistogramLoss(bins, width)(relevant, irrelevant)
    assert found.item() == pytest.approx(sum(expected) / 3, rel=1e-12, abs=1e-15)  # rounding


@settings(max_examples=40)
@given(
    st.lists(st.floats(-10, 10), min_size=1, max_size=6),
    st.lists(st.floats(-10, 10), min_size=1, max_size=6),
    st.integers(2, 30),
)
def test_against_the_slow_one_on_any_scores(relevant: list[float], irrelevant: list[float], bins: int) -> None:
    tensors = (torch.tensor([values], dtype=torch.float64) for values in (relevant, irrelevant))
    found = HistogramLoss(bins)(*tensors).item()
    assert found == pytest.approx(slow(relevant, irrelevant, bins, 1.0), abs=1e-9)  # rounding, times a tiny span
    assert -1e-12 <= found <= 1 + 1e-12


@pytest.mark.parametrize("bins", [2, 5, 100, 1000])
def test_the_ends_of_the_range_are_exact(bins: int) -> None:
    """A score at either end lies on a node, all of it: an order that is perfect or reversed at the ends is told so."""
    high, low = torch.full((1, 3), 1.0), torch.full((1, 2), -1.0)
    assert HistogramLoss(bins)(high, low).item() == 0
    assert HistogramLoss(bins)(low, high).item() == 1


@pytest.mark.parametrize("value", [0.0, 1.0, -1e30, 1e-30])
def test_equal_scores_give_one_half(value: float) -> None:
    relevant = torch.full((2, 3), value, requires_grad=True)
    loss = HistogramLoss()(relevant, torch.full((2, 4), value))
    loss.backward()
    assert loss.item() == 0.5
    assert relevant.grad is not None
    assert torch.isfinite(relevant.grad).all()


def test_perfect_and_reversed_order() -> None:
    high, low = scores(4, 6, seed=0).abs() + 1, -scores(4, 9, seed=1).abs()
    assert HistogramLoss()(high, low).item() == pytest.approx(0, abs=1e-15)  # rounding: the gap is many bins wide
    assert HistogramLoss()(low, high).item() == pytest.approx(1, abs=1e-12)


def test_many_bins_count_the_pairs() -> None:
    """Scores on a grid of the nodes, many of them equal: no score is shared between two nodes."""
    relevant = torch.randint(0, 11, (5, 12), generator=torch.Generator().manual_seed(0)).double()
    irrelevant = torch.randint(0, 11, (5, 20), generator=torch.Generator().manual_seed(1)).double()
    relevant[:, 0], irrelevant[:, 0] = 0, 10
    found = HistogramLoss(bins=1001)(relevant, irrelevant).item()
    assert found == pytest.approx(wrong_pairs(relevant, irrelevant), rel=1e-12)  # rounding


def test_it_tends_to_the_count_of_pairs() -> None:
    relevant, irrelevant = scores(2, 30, seed=0) + 1, scores(2, 40, seed=1)
    exact = wrong_pairs(relevant, irrelevant)
    errors = [abs(HistogramLoss(bins)(relevant, irrelevant).item() - exact) for bins in (10, 100, 2000)]
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < 1e-3  # in doubt are the pairs less than a bin apart, about one in a thousand


@pytest.mark.parametrize(("scale", "shift"), [(1000.0, 0.0), (1e-3, 5.0), (2.0, -300.0)])
def test_neither_scale_nor_shift_matters(scale: float, shift: float) -> None:
    relevant, irrelevant = scores(3, 5, seed=0), scores(3, 7, seed=1)
    found = HistogramLoss()(relevant * scale + shift, irrelevant * scale + shift).item()
    # A shift of 300 times the spread, or 5 beside 1e-3, costs up to four digits of sixteen.
    assert found == pytest.approx(HistogramLoss()(relevant, irrelevant).item(), rel=1e-10)


def test_a_batch_is_the_mean_of_its_tuples() -> None:
    relevant, irrelevant = scores(3, 5, seed=0), scores(3, 7, seed=1)
    alone = [HistogramLoss()(relevant[i : i + 1], irrelevant[i : i + 1]).item() for i in range(3)]
    assert HistogramLoss()(relevant, irrelevant).item() == pytest.approx(sum(alone) / 3, rel=1e-12)  # rounding


@pytest.mark.parametrize("width", [1.0, 2.5])
def test_gradcheck(width: float) -> None:
    """Its kinks are at the nodes; among random scores none is within a step of 1e-6 of one, but for the two ends."""
    inputs = scores(2, 4, seed=3).requires_grad_(), scores(2, 5, seed=4).requires_grad_()
    assert torch.autograd.gradcheck(HistogramLoss(10, width), inputs)


def test_the_gradient_pulls_the_right_way() -> None:
    relevant, irrelevant = scores(1, 8, seed=0).requires_grad_(), scores(1, 8, seed=1).requires_grad_()
    loss = HistogramLoss(10)(relevant, irrelevant)
    of_relevant, of_irrelevant = torch.autograd.grad(loss, (relevant, irrelevant))
    better = HistogramLoss(10)(relevant - 1e-3 * of_relevant, irrelevant - 1e-3 * of_irrelevant)
    assert better < loss
    # Neither a shift nor a scale changes the loss, so the gradient has no part along either.
    assert of_relevant.sum().item() == pytest.approx(-of_irrelevant.sum().item(), abs=1e-12)
    radial = (of_relevant * relevant).sum() + (of_irrelevant * irrelevant).sum()
    assert radial.item() == pytest.approx(0, abs=1e-12)


def test_a_mask_leaves_scores_out() -> None:
    relevant, irrelevant = scores(2, 4, seed=0).requires_grad_(), scores(2, 7, seed=1).requires_grad_()
    mask = torch.ones(2, 7, dtype=torch.bool)
    mask[:, 3], mask[:, 5] = False, False
    kept = irrelevant[:, [0, 1, 2, 4, 6]]
    loss, expected = HistogramLoss()(relevant, irrelevant, mask), HistogramLoss()(relevant, kept)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-12)  # rounding
    for found, right in zip(
        torch.autograd.grad(loss, (relevant, irrelevant)),
        torch.autograd.grad(expected, (relevant, irrelevant)),
        strict=True,
    ):
        torch.testing.assert_close(found, right, rtol=1e-10, atol=1e-13)  # rounding


def test_what_is_masked_may_be_anything() -> None:
    relevant, irrelevant = scores(1, 4, seed=0), scores(1, 3, seed=1)
    mask = torch.tensor([[True, False, True]])
    expected = HistogramLoss()(relevant, irrelevant, mask)
    for value in (1e9, INF, NAN):
        irrelevant[0, 1] = value
        assert HistogramLoss()(relevant, irrelevant, mask) == expected


@pytest.fixture
def deterministic() -> Iterator[None]:
    """An operation without a deterministic form is an error, for one test."""
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(before)


@pytest.mark.usefixtures("deterministic")
def test_it_is_deterministic() -> None:
    devices = ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]
    for device in devices:
        gradients = []
        for _ in range(2):
            relevant = scores(3, 50, seed=0).to(device).requires_grad_()
            HistogramLoss()(relevant, scores(3, 70, seed=1).to(device)).backward()
            gradients.append(relevant.grad)
        assert torch.equal(*gradients)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
def test_narrow_scores(dtype: torch.dtype) -> None:
    """Only the scores as given and the result are narrow: what lies between does not round."""
    relevant, irrelevant = scores(2, 9, seed=0).to(dtype).requires_grad_(), scores(2, 9, seed=1).to(dtype)
    loss = HistogramLoss()(relevant, irrelevant)
    loss.backward()
    assert loss.dtype == dtype
    assert relevant.grad is not None
    assert relevant.grad.dtype == dtype
    assert torch.isfinite(relevant.grad).all()
    expected = HistogramLoss()(relevant.double(), irrelevant.double()).item()
    assert loss.item() == pytest.approx(expected, rel=torch.finfo(dtype).eps)  # one rounding, of the result


def test_autocast_changes_nothing() -> None:
    relevant, irrelevant = scores(2, 9, seed=0).float(), scores(2, 9, seed=1).float()
    with torch.autocast("cpu", torch.bfloat16):
        inside = HistogramLoss()(relevant, irrelevant)
    assert torch.equal(inside, HistogramLoss()(relevant, irrelevant))


@pytest.mark.parametrize(("bins", "width"), [(1, 1.0), (0, 1.0), (100, 0.5)])
def test_bad_settings_are_one_line(bins: int, width: float) -> None:
    with pytest.raises(S2MError, match="give at least 2 bins and a width of at least 1 bin"):
        HistogramLoss(bins, width)
