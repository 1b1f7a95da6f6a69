"""What every relevance has in common."""

import copy

import pytest
import torch
from torch import Tensor

from s2m import S2MError
from s2m.relevance import (
    Average,
    FullContext,
    Likelihood,
    Matching,
    Memory,
    Nearest,
    NearestMean,
    Prototypes,
    Relevance,
    Siamese,
    SupportVectors,
)

LEARNED = [Matching(), Siamese(8), NearestMean(8), NearestMean(8, rank=3)]  # with weights of their own
LEARNED += [Memory(8, ways=3, slots=4, width=3, controller=5)]
DIFFERENTIABLE = [Average(), Nearest(), Likelihood(1), Likelihood(2), Likelihood("bic"), Prototypes(), *LEARNED]
METHODS = [*DIFFERENTIABLE, SupportVectors(), Matching(FullContext(8))]
# A set's own: but EM ends at one of several maxima, and full context and a memory read the sets in turn.
READERS = [m for m in METHODS if isinstance(m, Memory) or getattr(m, "context", None) is not None]
UNIQUE = [m for m in METHODS if getattr(m, "components", 1) == 1 and m not in READERS]
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


@pytest.mark.parametrize("method", UNIQUE, ids=repr)
def test_a_batch_of_unequal_sets(method: Relevance) -> None:
    """Sets of 3 and of 6 examples; the SVM, whose planes are parted by all sets, would not score them alone alike."""
    examples, queries = unit(2, 6, 8, seed=0), unit(2, 7, 8, seed=2)
    weights = torch.ones(2, 6)
    weights[0, 3:] = 0
    found = method(examples.masked_fill((weights == 0).unsqueeze(2), NAN), queries, weights)
    if isinstance(method, SupportVectors):
        alone = [SupportVectors(examples[1])(examples[:1, :3], queries[:1])]
        alone += [SupportVectors(examples[0, :3])(examples[1:], queries[1:])]
    else:
        alone = [method(examples[:1, :3], queries[:1]), method(examples[1:], queries[1:])]
    torch.testing.assert_close(found, torch.cat(alone), rtol=1e-5, atol=1e-4)  # float32; liblinear


@pytest.mark.parametrize("method", UNIQUE, ids=repr)
def test_the_order_of_the_examples_does_not_matter(method: Relevance) -> None:
    examples, queries = unit(2, 6, 8, seed=0), unit(2, 7, 8, seed=2)
    turned = examples[:, [3, 0, 5, 1, 4, 2]]
    expected = method(examples, queries)
    torch.testing.assert_close(method(turned, queries), expected, rtol=1e-5, atol=1e-4)  # float32; liblinear


@pytest.mark.parametrize("method", LEARNED, ids=repr)
def test_gradients_are_those_of_finite_differences(method: Relevance) -> None:
    """Of the examples, the queries and the weights of the method, on sets with padding."""
    method = copy.deepcopy(method).double()
    names = [name for name, _ in method.named_parameters()]
    mask = torch.tensor([[1, 1, 1], [1, 0, 1]])

    def relevance(examples: Tensor, queries: Tensor, *values: Tensor) -> Tensor:
        return torch.func.functional_call(method, dict(zip(names, values)), (examples, queries, mask))

    inputs = [unit(2, 3, 8, seed=0).double(), unit(2, 2, 8, seed=1).double(), *method.parameters()]
    assert torch.autograd.gradcheck(relevance, [value.detach().requires_grad_() for value in inputs])


@pytest.mark.parametrize("method", DIFFERENTIABLE, ids=repr)
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
        (torch.ones(1, 0, 8), torch.ones(2, 8), "an empty set"),
        (torch.full((1, 2, 8), NAN), torch.ones(2, 8), "set 0 has a NaN"),
        (unit(2, 5, 8, seed=0), torch.ones(2, 4), r"give \(2, M, 8\)"),
        (unit(2, 5, 8, seed=0), torch.ones(3, 2, 8), r"give \(2, M, 8\)"),
    ],
)
def test_bad_input_is_one_line(method: Relevance, examples: Tensor, queries: Tensor, message: str) -> None:
    with pytest.raises(S2MError, match=message):
        method(examples, queries)


def test_a_method_must_say_what_it_keeps() -> None:
    with pytest.raises(NotImplementedError, match="Relevance must say what it keeps"):
        Relevance()(torch.ones(1, 1, 1), torch.ones(1, 1))
