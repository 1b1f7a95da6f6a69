"""ProtoNets against two lines of numpy, scikit-learn's nearest centroid, and a Gaussian."""

import numpy as np
import torch
from sklearn.neighbors import NearestCentroid

from s2m import VariancePrior
from s2m.relevance import Average, Likelihood, Prototypes


def test_against_numpy() -> None:
    rng = np.random.default_rng(0)
    examples, queries, weights = rng.normal(size=(3, 5, 4)), rng.normal(size=(3, 6, 4)), rng.integers(1, 4, (3, 5))
    found = Prototypes()(*map(torch.from_numpy, (examples, queries, weights)))
    for x, z, w, row in zip(examples, queries, weights, found, strict=True):
        mean = (w[:, None] * x).sum(0) / w.sum()
        np.testing.assert_allclose(row, -((z - mean) ** 2).sum(1), rtol=1e-12)  # rounding


def test_it_classifies_as_the_nearest_centroid() -> None:
    rng = np.random.default_rng(1)
    examples, queries = rng.normal(size=(20, 5, 8)), rng.normal(size=(300, 8))
    oracle = NearestCentroid().fit(examples.reshape(100, 8), np.repeat(np.arange(20), 5))
    found = Prototypes()(torch.from_numpy(examples), torch.from_numpy(queries)).argmax(0)
    np.testing.assert_array_equal(found, oracle.predict(queries))


def test_it_is_a_gaussian_with_one_variance() -> None:
    """Of one example nothing is left of its variances but the prior's: 0.01, in every dimension."""
    rng = np.random.default_rng(2)
    examples, queries = torch.from_numpy(rng.normal(size=(3, 1, 4))), torch.from_numpy(rng.normal(size=(3, 6, 4)))
    density = Likelihood(1, VariancePrior(1e9, 0.01))(examples, queries)
    expected = Prototypes()(examples, queries) / 2 / 0.01 - 2 * np.log(2 * np.pi * 0.01)
    torch.testing.assert_close(density, expected, rtol=1e-5, atol=0)  # the prior is kept in float32


def test_it_ranks_queries_as_the_average_does() -> None:
    rng = np.random.default_rng(3)
    examples, queries = (
        torch.nn.functional.normalize(torch.from_numpy(rng.normal(size=(3, count, 4))), dim=2) for count in (5, 9)
    )
    assert torch.equal(Prototypes()(examples, queries).argsort(1), Average()(examples, queries).argsort(1))
