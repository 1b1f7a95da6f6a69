"""Bad input is told apart, and told in one line."""

import pytest
import torch

from s2m.errors import S2MError
from s2m.models.checks import check_queries, check_set, check_variances

NAN, INF = float("nan"), float("inf")


def test_one_set_counts_as_a_batch_of_one() -> None:
    x, w = check_set(torch.ones(4, 3), None)
    assert (x.shape, w.shape) == ((1, 4, 3), (1, 4))
    assert (x.dtype, w.dtype) == (torch.float64, torch.float64)
    assert (w == 1).all()


@pytest.mark.parametrize("weights", [torch.tensor([1, 0, 2, 1]), torch.tensor([[True, False, True, True]])])
def test_weights_may_be_counts_or_a_mask(weights: torch.Tensor) -> None:
    _, w = check_set(torch.ones(1, 4, 3), weights)
    torch.testing.assert_close(w, weights.double().reshape(1, 4), rtol=0, atol=0)


def test_padding_may_hold_anything_and_has_no_gradient() -> None:
    descriptors = torch.tensor([[[1.0], [NAN], [INF]]], requires_grad=True)
    x, _ = check_set(descriptors, torch.tensor([[1.0, 0.0, 0.0]]))
    x.sum().backward()
    assert x.tolist() == [[[1.0], [0.0], [0.0]]]
    assert descriptors.grad is not None
    assert descriptors.grad.tolist() == [[[1.0], [0.0], [0.0]]]


def test_weights_keep_their_gradient() -> None:
    weights = torch.tensor([1.0, 2.0], requires_grad=True)
    check_set(torch.ones(2, 1), weights)[1].sum().backward()
    assert weights.grad is not None
    assert weights.grad.tolist() == [1, 1]


@pytest.mark.parametrize(
    ("descriptors", "weights", "message"),
    [
        (torch.ones(3), None, r"shape \(3,\): give \(B, N, n\)"),
        (torch.ones(1, 2, 3, 4), None, r"shape \(1, 2, 3, 4\): give \(B, N, n\)"),
        (torch.ones(2, 3, dtype=torch.int64), None, "int64: give floating point"),
        (torch.ones(2, 0, 3), None, "an empty set"),
        (torch.ones(0, 2, 3), None, "an empty set"),
        (torch.ones(2, 3, 0), None, "an empty set"),
        (torch.ones(2, 3, 1), torch.ones(3, 2), r"weights have shape \(3, 2\): give \(2, 3\)"),
        (torch.ones(3, 1), torch.tensor([1.0, -1.0, 1.0]), "negative or not finite"),
        (torch.ones(3, 1), torch.tensor([1.0, NAN, 1.0]), "negative or not finite"),
        (torch.ones(3, 1), torch.tensor([1.0, INF, 1.0]), "negative or not finite"),
        (torch.ones(2, 2, 1), torch.tensor([[1.0, 0.0], [0.0, 0.0]]), "all weights are zero in set 1"),
        (torch.tensor([[[1.0]], [[NAN]]]), None, "set 1 has a NaN or infinite"),
        (torch.tensor([[[-INF]], [[1.0]]]), None, "set 0 has a NaN or infinite"),
    ],
)
def test_a_bad_set_is_one_line(descriptors: torch.Tensor, weights: torch.Tensor | None, message: str) -> None:
    with pytest.raises(S2MError, match=message) as error:
        check_set(descriptors, weights)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("shape", [(5, 3), (1, 5, 3), (2, 5, 3)])
def test_queries_are_shared_or_one_list_a_set(shape: tuple[int, ...]) -> None:
    queries = check_queries(torch.ones(shape), 2, 3)
    assert queries.dtype == torch.float64
    assert queries.shape == (1 if len(shape) == 2 else shape[0], 5, 3)


@pytest.mark.parametrize("shape", [(3,), (5, 4), (3, 5, 3), (1, 1, 5, 3)])
def test_bad_queries_are_one_line(shape: tuple[int, ...]) -> None:
    with pytest.raises(S2MError, match=r"give \(2, M, 3\), or \(M, 3\)"):
        check_queries(torch.ones(shape), 2, 3)


def test_a_vanished_variance_is_found_and_named() -> None:
    variances = torch.ones(2, 3, 4)
    variances[1, 2, 3] = 0
    with pytest.raises(S2MError, match="set 1, component 2 has zero variance in dimension 3; give a prior"):
        check_variances(variances, torch.ones(2, 3, dtype=torch.bool))


def test_the_variance_of_an_empty_component_does_not_matter() -> None:
    check_variances(torch.zeros(1, 1, 2), torch.zeros(1, 1, dtype=torch.bool))
