"""The prior of a learned head is the one that validates best, and what it wins is counted class by class."""

from pathlib import Path

import pandas as pd
import priors
import pytest
from torch import nn

from s2m import RelevanceNet
from s2m.relevance import Average


class Problem:
    """Validates as told, by the strength of the prior."""

    def __init__(self, scores: dict[float, float]) -> None:
        self.scores = scores

    def validate(self, network: RelevanceNet) -> float:
        return self.scores[round(float(network.relevance.prior.strength), 6)]


@pytest.mark.parametrize("best", [1, 3, 10])
def test_the_prior_that_validates_best_is_taken(best: float) -> None:
    network = RelevanceNet(nn.Identity(), Average())
    problem = Problem({nu: float(nu == best) for nu in priors.PRIORS})
    assert priors.choose(problem, network, 2) == best
    assert network.relevance.components == 2
    assert float(network.relevance.prior.strength) == best
    assert float(network.relevance.prior.variance) == pytest.approx(best / 128)


def test_what_is_won_is_a_mean_over_seeds_and_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mean's classes are in another order, and a condition that nobody judged has no row."""
    column = "60 % foreign stepwise"
    average = pd.DataFrame({column: [0.4, 0.2]}, index=["b", "a"])
    seeds = [pd.DataFrame({column: values}, index=["a", "b"]) for values in ([0.3, 0.5], [0.5, 0.7])]
    monkeypatch.setattr(priors, "PHOTOS", ["some"])
    monkeypatch.setattr(
        priors, "judged", lambda *_: (("GMM2-AVG-FT", worth, own, average) for worth, own in zip((1, 3), seeds))
    )
    row = priors.table(Path()).iloc[0]
    assert len(priors.table(Path())) == 1
    assert (row.prior, row.seeds, row["map"], row.ahead) == ("1 3", 2, 0.5, pytest.approx(0.2))
    assert row.ci95_classes == 0
    assert row.ci95_seeds > 0
