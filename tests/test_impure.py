"""Concept sets of noise and of two meanings, and their judging against `retrieve` and scikit-learn."""

import numpy as np
import pytest
import torch
from sklearn.metrics import auc, average_precision_score, precision_recall_curve

from s2m import S2MError
from s2m.evaluation import retrieve
from s2m.impure import ambiguous_sets, average_precisions, judge_sets, noisy_sets
from s2m.models import VariancePrior
from s2m.relevance import Average, Likelihood, Nearest

SHAPE = 9, 20


def members(pairs: np.ndarray) -> set[tuple[int, int]]:
    return {(int(one), int(other)) for one, other in pairs}


def test_noisy_sets_are_nested_and_ask_for_the_same_drawings() -> None:
    clean = noisy_sets(SHAPE, 0)
    assert (clean.examples[..., 0] == np.arange(9)[:, None]).all()
    before = clean
    for foreign in range(1, 7):
        sets = noisy_sets(SHAPE, foreign)
        strange = sets.examples[..., 0] != np.arange(9)[:, None]
        assert (strange.sum(1) == foreign).all()
        assert all(len(set(row[odd])) == foreign for row, odd in zip(sets.examples[..., 0], strange))
        assert ((sets.examples != before.examples).any(-1).sum(1) == 1).all()  # one more gave way
        np.testing.assert_array_equal(sets.relevant, clean.relevant)
        for row in range(9):
            given, ranked_not = members(sets.examples[row]), members(sets.unranked[row])
            assert given <= ranked_not
            assert ranked_not - given == members(clean.examples[row]) - given
            assert not ranked_not & members(sets.relevant[row])
        before = sets


def test_foreign_drawings_are_not_all_in_the_same_places() -> None:
    """Seeds of k-means++ fall on the same places of every set of a batch: noise must not."""
    strange = noisy_sets((50, 20), 3).examples[..., 0] != np.arange(50)[:, None]
    assert strange.any(0).all()


def test_two_meanings() -> None:
    sets = ambiguous_sets(SHAPE)
    for row in range(9):
        classes, counts = np.unique(sets.examples[row, :, 0], return_counts=True)
        assert row in classes
        assert counts.tolist() == [5, 5]
        both = {(int(c), drawing) for c in classes for drawing in range(20)}
        assert members(sets.relevant[row]) == both - members(sets.examples[row])
        np.testing.assert_array_equal(sets.unranked[row], sets.examples[row])


def test_streams_and_seeds_differ() -> None:
    for draw in (lambda **which: noisy_sets(SHAPE, 3, **which), lambda **which: ambiguous_sets(SHAPE, **which)):
        one = draw().examples
        np.testing.assert_array_equal(one, draw().examples)
        assert (one != draw(seed=1).examples).any()
        assert (one != draw(stream="validation").examples).any()


@pytest.mark.parametrize("relevance", [Average(), Nearest(), Likelihood(2, VariancePrior())], ids=["avg", "nn", "gmm2"])
def test_without_noise_it_is_retrieve(relevance: torch.nn.Module) -> None:
    rng = np.random.default_rng(0)
    points = torch.from_numpy(rng.normal(size=(9, 1, 6)) + rng.normal(size=(9, 20, 6)))
    found, known = judge_sets(points, relevance, noisy_sets(SHAPE, 0), batch=4), retrieve(points, relevance, 10)
    for name, values in known.items():
        assert 0 < values.mean() < 1
        np.testing.assert_allclose(found[name], values, atol=1e-12)  # sums of ten shares, in another order


def test_ties_as_in_scikit_learn() -> None:
    rng = np.random.default_rng(1)
    scores = rng.integers(8, size=(20, 40)).astype(float)  # few levels: almost every place is shared
    order = np.stack([rng.permutation(40) for _ in scores])
    relevant, unranked = order[:, :6], order[:, 6:11]
    found = average_precisions(*map(torch.from_numpy, (scores, relevant, unranked)))
    for row in range(20):
        truth, asked = np.isin(np.arange(40), relevant[row]), ~np.isin(np.arange(40), unranked[row])
        precision, recall, _ = precision_recall_curve(truth[asked], scores[row, asked])
        stepwise = average_precision_score(truth[asked], scores[row, asked])
        # sums of six shares, in another order
        assert found["stepwise"][row] == pytest.approx(stepwise, abs=1e-12)
        assert found["trapezoid"][row] == pytest.approx(auc(recall, precision), abs=1e-12)


def test_bad_sets_are_one_line() -> None:
    for foreign, size, shape in ((7, 6, SHAPE), (-1, 10, SHAPE), (0, 20, SHAPE), (6, 10, (6, 20))):
        with pytest.raises(S2MError, match="give 0 <= foreign <= size, size below the number of drawings"):
            noisy_sets(shape, foreign, size)
    for each, shape in ((0, SHAPE), (20, SHAPE), (5, (1, 20))):
        with pytest.raises(S2MError, match="give at least two classes, and 1 <= each < drawings"):
            ambiguous_sets(shape, each)
