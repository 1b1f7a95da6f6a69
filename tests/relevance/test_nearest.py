"""NN against two lines of numpy."""

import numpy as np
import torch

from s2m.relevance import Nearest


def test_against_numpy() -> None:
    rng = np.random.default_rng(0)
    examples, queries, mask = rng.normal(size=(3, 5, 4)), rng.normal(size=(3, 6, 4)), rng.random((3, 5)) > 0.3
    found = Nearest()(*map(torch.from_numpy, (examples, queries, mask)))
    for x, z, kept, row in zip(examples, queries, mask, found, strict=True):
        np.testing.assert_allclose(row, (z @ x[kept].T).max(1), rtol=1e-12)  # rounding


def test_an_example_is_most_like_itself() -> None:
    x = torch.nn.functional.normalize(torch.randn(1, 9, 5, generator=torch.Generator().manual_seed(0)), dim=-1)
    torch.testing.assert_close(Nearest()(x, x), torch.ones(1, 9), rtol=1e-6, atol=0)  # float32
