"""What every relevance has in common."""

import pytest
import torch
from torch import Tensor

from s2m import S2MError
from s2m.relevance import Average, Likelihood, Nearest, Relevance

METHODS = [Average(), Nearest(), Likelihood(1), Likelihood(2), Likelihood("bic")]
NAN = float("nan")


def unit(*shape: int, seed: int) -> Tensor:
    values = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.normalize(values, dim=-1)


@pytest.mark.parametrize("method", METHODS, ids=repr)
def test_one_object_scores_two_collections_at_once(method: Relevance) -> None:
    one, other, queries = unit(2, 6, 8, seed=0), unit(3, 5, 8, seed=1), unit(7, 8, seed=2)
    expected = method(one, queries), method(other, queries)
    score_one, score_other = method.fit(one), method.fit(other)
    assert torch.equal(score_one(queries), expected[0])
    assert torch.equal(score_other(queries), expected[1])
    assert expected[0].shape == (2, 7)


@pytest.mark.parametrize("method", METHODS, ids=repr)
def test_shared_queries_are_queries_for_every_set(method: Relevance) -> None:
    examples, queries = unit(2, 6, 8, seed=0), unit(7, 8, seed=2)
    shared = method(examples, queries)
    for other in (queries.unsqueeze(0), queries.expand(2, 7, 8)):
        torch.testing.assert_close(method(examples, other), shared, rtol=1e-6, atol=1e-6)  # float32 of the result


@pytest.mark.parametrize("method", METHODS, ids=repr)
def test_padding_changes_nothing(method: Relevance) -> None:
    examples, queries = unit(2, 6, 8, seed=0), unit(2, 7, 8, seed=2)
    padded = torch.cat([examples, torch.full((2, 3, 8), NAN)], 1)
    weights = torch.cat([torch.ones(2, 6), torch.zeros(2, 3)], 1)
    expected = method(examples, queries)
    torch.testing.assert_close(method(padded, queries, weights), expected, rtol=1e-6, atol=1e-6)  # float32


@pytest.mark.parametrize("method", METHODS, ids=repr)
def test_examples_and_queries_receive_gradients(method: Relevance) -> None:
    examples, queries = unit(2, 6, 8, seed=0).requires_grad_(), unit(2, 7, 8, seed=2).requires_grad_()
    method(examples, queries).sum().backward()
    for value in (examples, queries):
        assert value.grad is not None
        assert torch.isfinite(value.grad).all()
        assert (value.grad != 0).any()


@pytest.mark.parametrize("method", METHODS, ids=repr)
def test_the_type_of_the_queries(method: Relevance) -> None:
    examples, queries = unit(2, 6, 8, seed=0), unit(2, 7, 8, seed=2)
    assert method(examples, queries).dtype == torch.float32
    assert method(examples, queries.double()).dtype == torch.float64


@pytest.mark.parametrize("method", METHODS, ids=repr)
@pytest.mark.parametrize(
    ("examples", "queries", "message"),
    [
        (torch.ones(1, 0, 3), torch.ones(2, 3), "an empty set"),
        (torch.full((1, 2, 3), NAN), torch.ones(2, 3), "set 0 has a NaN"),
        (unit(2, 5, 3, seed=0), torch.ones(2, 4), r"give \(2, M, 3\)"),
        (unit(2, 5, 3, seed=0), torch.ones(3, 2, 3), r"give \(2, M, 3\)"),
    ],
)
def test_bad_input_is_one_line(method: Relevance, examples: Tensor, queries: Tensor, message: str) -> None:
    with pytest.raises(S2MError, match=message):
        method(examples, queries)


def test_a_method_must_say_what_it_keeps() -> None:
    with pytest.raises(NotImplementedError, match="Relevance must say what it keeps"):
        Relevance()(torch.ones(1, 1, 1), torch.ones(1, 1))
