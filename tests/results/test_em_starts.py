"""Ways to start EM, on clusters whose best mixture is known."""

import em_starts
import pytest
import torch

from s2m.impure import ambiguous_sets
from s2m.models import VariancePrior
from s2m.relevance import Likelihood


def test_on_clear_clusters_every_start_finds_the_best_maximum_and_ranks_all_right() -> None:
    draw = torch.Generator().manual_seed(0)
    centres = 10 * torch.eye(6)
    descriptors = centres[:, None] + 0.1 * torch.randn(6, 20, 6, generator=draw)
    sets = ambiguous_sets((6, 20))
    rows = em_starts.compare(descriptors, Likelihood(2, VariancePrior(1.0, 0.01)), sets, components=2)
    assert [row["start"] for row in rows] == ["best of 1", "best of 4", "best of 16", "remembered"]
    for row in rows:
        assert row["best"] == 1
        assert 0 <= row["below"] < em_starts.SAME
    assert [row["map"] for row in rows] == [1, 1, 1, pytest.approx(float("nan"), nan_ok=True)]


def test_more_tries_climb_higher_where_there_is_no_structure() -> None:
    descriptors = torch.randn(12, 20, 8, generator=torch.Generator().manual_seed(0))
    rows = em_starts.compare(descriptors, Likelihood(4, VariancePrior(1.0, 0.1)), ambiguous_sets((12, 20)), 4)
    below = {row["start"]: row["below"] for row in rows}
    assert below["best of 16"] < below["best of 1"]
    best = {row["start"]: row["best"] for row in rows}
    assert sum(best.values()) >= 1  # of every set, one start at least found the highest
