"""The SVM against scikit-learn's own one-versus-rest, and what it needs to part a set from."""

import numpy as np
import pytest
import torch
from sklearn.svm import LinearSVC
from torch import Tensor

from s2m import S2MError
from s2m.relevance import SupportVectors

FIVE_DIGITS = 1e-4  # of scores up to 10: where liblinear stops, whatever tolerance it is given


def blobs(*shape: int, seed: int) -> Tensor:
    """Sets (B, N, n) about centres of their own."""
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.normal(size=(shape[0], 1, shape[2])) + 0.5 * rng.normal(size=shape))


@pytest.mark.parametrize("C", [0.1, 1.0, 10.0])
def test_a_task_against_one_versus_rest(C: float) -> None:
    examples, queries = blobs(6, 5, 8, seed=0), blobs(30, 1, 8, seed=1).squeeze(1)
    oracle = LinearSVC(C=C, dual=False, tol=1e-10).fit(examples.flatten(0, 1), np.repeat(np.arange(6), 5))
    found = SupportVectors(C=C)(examples, queries)
    np.testing.assert_allclose(found, oracle.decision_function(queries).T, atol=FIVE_DIGITS)


def test_given_negatives() -> None:
    """They are all that a set is parted from, whatever else is in the batch."""
    examples, queries, negatives = (
        blobs(2, 5, 8, seed=0),
        blobs(30, 1, 8, seed=1).squeeze(1),
        blobs(1, 10, 8, seed=2)[0],
    )
    relevance = SupportVectors(negatives)
    found = relevance(examples, queries)
    for x, row in zip(examples, found, strict=True):
        oracle = LinearSVC(dual=False, tol=1e-10).fit(torch.cat([x, negatives]), np.arange(15) < 5)
        np.testing.assert_allclose(row, oracle.decision_function(queries), atol=FIVE_DIGITS)
    torch.testing.assert_close(relevance(examples[:1], queries), found[:1])
    assert not relevance.state_dict()  # they are not saved with what was learned


def test_a_plane_parts_a_set_from_the_others() -> None:
    examples = blobs(5, 4, 16, seed=3)
    scores = SupportVectors(C=100.0)(examples, examples.flatten(0, 1))
    assert torch.equal(scores > 0, torch.eye(5, dtype=torch.bool).repeat_interleave(4, 1))


def test_queries_receive_gradients_and_examples_are_refused() -> None:
    """A score is linear in the query; through the fit there is no gradient, and none is quietly left out."""
    examples, queries = blobs(2, 4, 3, seed=0).requires_grad_(), blobs(2, 4, 3, seed=1).requires_grad_()
    with pytest.raises(S2MError, match=r"an SVM has no gradient: fit it under torch\.no_grad\(\)"):
        SupportVectors()(examples, queries)
    with torch.no_grad():
        score = SupportVectors().fit(examples)
    score(queries).sum().backward()
    assert queries.grad is not None
    assert (queries.grad != 0).any()


def test_nothing_to_part_a_set_from() -> None:
    with pytest.raises(S2MError, match=r"nothing to part it from: give SupportVectors\(negatives=\.\.\.\), or several"):
        SupportVectors()(torch.ones(1, 2, 3), torch.ones(1, 3))


def test_bad_settings_are_one_line() -> None:
    with pytest.raises(S2MError, match="C is 0: give a positive number"):
        SupportVectors(C=0)
    with pytest.raises(S2MError, match="has a NaN or infinite descriptor"):
        SupportVectors(torch.full((2, 3), float("nan")))
    with pytest.raises(S2MError, match="the negatives have 4 numbers, the examples 3"):
        SupportVectors(torch.ones(2, 4))(torch.ones(1, 2, 3), torch.ones(1, 3))
