"""AVG against three lines of numpy."""

import numpy as np
import torch

from s2m.relevance import Average


def test_against_numpy() -> None:
    rng = np.random.default_rng(0)
    examples, queries, weights = rng.normal(size=(3, 5, 4)), rng.normal(size=(3, 6, 4)), rng.integers(1, 4, (3, 5))
    found = Average()(*map(torch.from_numpy, (examples, queries, weights)))
    for x, z, w, row in zip(examples, queries, weights, found, strict=True):
        mean = (w[:, None] * x).sum(0) / w.sum()
        np.testing.assert_allclose(row, z @ mean, rtol=1e-12, atol=1e-14)  # rounding
