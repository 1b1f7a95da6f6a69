"""What is said about components and about foreign images, on sets whose parts are known."""

import components
import numpy as np
import pandas as pd
import pytest
import strangers
import torch
from torch import nn

from s2m import RelevanceNet
from s2m.config import Config
from s2m.evaluation import confidence95
from s2m.problems.photo_data import Part
from s2m.problems.photo_sets import PhotoSet, by_class
from s2m.problems.photos import DRAWS
from s2m.relevance import Likelihood

CONFIG = Config(task="retrieval", data="flowers102", embedding="head", examples=4, relevant=2, irrelevant=2, seed=3)
LABELS = np.repeat([0, 1, 2], 8)


def part(foreign_like: int) -> Part:
    """Three tight classes at three corners, eight images each, and six foreign images near a class of the three."""
    rng = np.random.default_rng(0)
    corners = np.eye(4)[[*LABELS, *[foreign_like] * 6]]
    values = nn.functional.normalize(torch.from_numpy(corners + 0.05 * rng.normal(size=corners.shape)).float())
    return Part(values, LABELS, ("a", "b", "c"), by_class(LABELS, 3), np.arange(24, 30))


@pytest.fixture
def found() -> PhotoSet:
    """Two images of class 0, the place of two others taken by foreign ones."""
    return PhotoSet(np.array([0, 24, 1, 25]), np.arange(4, 8), np.arange(4), (0,))


@pytest.fixture
def network() -> RelevanceNet:
    return RelevanceNet(nn.Identity(), Likelihood(2))


def test_strangers_that_look_like_nothing_do_no_harm(found: PhotoSet, network: RelevanceNet) -> None:
    apart = part(foreign_like=3)
    seen = components.look(network, apart.values, apart, found)
    assert seen["parted"] == 1
    assert seen["wrong"] == 0
    assert np.isnan(seen["wrong_by_second"])
    assert seen["map"] == seen["map_first_alone"] == seen["map_known"] == 1


def test_strangers_that_look_like_a_class_rank_it(found: PhotoSet, network: RelevanceNet) -> None:
    """Half of what is found is then of that class, and their component finds all of it."""
    alike = part(foreign_like=1)
    seen = components.look(network, alike.values, alike, found)
    assert seen["parted"] == 1
    assert seen["wrong"] > 0
    assert seen["wrong_by_second"] == 1
    assert seen["irrelevant_by_second"] >= 0.5
    assert seen["nearest"] > 0.95
    assert seen["map"] < seen["map_first_alone"] == seen["map_known"] == 1


def test_origins(found: PhotoSet) -> None:
    apart = part(foreign_like=3)
    assert components.origins(apart, found).tolist() == [0, 1, 0, 1]
    double = PhotoSet(np.array([0, 9, 1, 8]), np.array([4, 12]), np.array([0, 1, 8, 9]), (0, 1))
    assert components.origins(apart, double).tolist() == [0, 1, 0, 1]


def test_sets_are_those_of_the_judged_runs() -> None:
    sets = components.judged_sets(part(3), "two meanings", seed=3, size=4)
    assert len(sets) == 3 * DRAWS
    assert [one.classes[0] for one in sets] == list(np.repeat([0, 1, 2], DRAWS))


@pytest.mark.parametrize("origin", strangers.ORIGINS)
def test_strangers_come_from_where_they_should(origin: str) -> None:
    whole = strangers.enlarged(part(3), part(1))
    assert len(whole.values) == 30 + 24
    inside = {"Caltech's background": (24, 30), "own other classes": (0, 24), "another collection": (30, 54)}[origin]
    for found in strangers.strange_sets(whole, origin, 0.5, CONFIG):
        foreign = found.examples[~np.isin(found.examples, whole.members[found.classes[0]])]
        assert len(foreign) == 2
        assert ((foreign >= inside[0]) & (foreign < inside[1])).all()
        assert not np.isin(found.relevant, found.unranked).any()
        assert np.isin(found.examples[found.examples < 24], found.unranked).all()


def test_agreement() -> None:
    values = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8], [1.0, 0.0]])
    alone = Part(values, np.array([0, 0]), ("a",), [np.array([0, 1])], np.array([2, 3]))
    found = PhotoSet(np.array([0, 2, 3]), np.array([1]), np.array([0]), (0,))
    assert strangers.agreement(values, alone, [found]) == pytest.approx(0.6, abs=1e-6)  # float32


def test_seeds_are_compared_in_pairs() -> None:
    kind = {"collection": "flowers102", "origin": "another collection", "foreign": 0.6, "agreement": 0.5}
    values = {"AVG-FT": (0.5, 0.7, 0.6), "S2M-GMM2": (0.6, 0.9, 0.7)}
    rows = [{**kind, "method": name, "seed": s, "map": v} for name, them in values.items() for s, v in enumerate(them)]
    row = strangers.summarise(pd.DataFrame(rows)).set_index("method").loc["S2M-GMM2"]
    assert (row["map"], row.ahead, row.seeds) == (0.7333, 0.1333, 3)
    assert row.ahead_ci95 == round(confidence95([0.1, 0.2, 0.1]), 4)
