"""Concept sets of photographs: what they hold, what they leave out, and that noise changes nothing else."""

import numpy as np
import pytest

from s2m import S2MError
from s2m.episodes import generator
from s2m.problems.photo_sets import by_class, draw_set

LABELS = np.array([0] * 9 + [1] * 12 + [2] * 8)
MEMBERS = by_class(LABELS, 3)
STRANGERS = np.arange(29, 40)


def drawn(concept: int = 1, seed: int = 0, **options: object) -> object:
    return draw_set(generator(seed, "set", concept), MEMBERS, concept, 6, strangers=STRANGERS, **options)  # type: ignore[arg-type]


def test_by_class() -> None:
    assert [list(LABELS[places]) for places in MEMBERS] == [[0] * 9, [1] * 12, [2] * 8]


def test_a_pure_set() -> None:
    """Examples and what should be found are all of the class, each image once."""
    found = drawn()
    assert found.classes == (1,)
    assert sorted([*found.examples, *found.relevant]) == list(MEMBERS[1])
    assert list(found.unranked) == list(found.examples)


def test_noise_takes_the_place_of_examples_and_changes_nothing_else() -> None:
    pure, half, all_foreign = (drawn(foreign=count) for count in (0, 3, 6))
    for noisy in (half, all_foreign):
        assert list(noisy.relevant) == list(pure.relevant)
        assert list(noisy.unranked) == list(pure.examples)
    kept = half.examples == pure.examples
    assert kept.sum() == 3
    foreign = half.examples[~kept]
    assert set(foreign) <= set(STRANGERS)
    assert len(set(foreign)) == 3
    assert set(all_foreign.examples) <= set(STRANGERS)


def test_two_meanings() -> None:
    """Half of the set is of each class, and all the other images of both should be found."""
    partners = set()
    for seed in range(20):
        found = drawn(concept=2, seed=seed, meanings=2)
        assert found.classes[0] == 2
        partners.add(found.classes[1])
        assert [list(LABELS[found.examples]).count(index) for index in found.classes] == [3, 3]
        both = np.concatenate([MEMBERS[index] for index in found.classes])
        assert sorted([*found.examples, *found.relevant]) == sorted(both)
    assert partners == {0, 1}  # never itself


def test_sets_are_a_function_of_the_generator() -> None:
    assert list(drawn(seed=1).examples) == list(drawn(seed=1).examples)
    assert list(drawn(seed=1).examples) != list(drawn(seed=2).examples)


def test_what_cannot_be_drawn() -> None:
    rng = generator(0, "set", 0)
    with pytest.raises(S2MError, match=r"class 2 has 8 images and 8 are examples: nothing is left to be found; ask"):
        draw_set(rng, MEMBERS, 2, 8)
    with pytest.raises(S2MError, match="7 foreign images in a set of 6, out of 11: ask for fewer"):
        drawn(foreign=7)
    with pytest.raises(S2MError, match="1 foreign images in a set of 6, out of 0"):
        draw_set(rng, MEMBERS, 0, 6, foreign=1)
    with pytest.raises(S2MError, match="5 images of 2 out of 3 classes: give a multiple, and more classes"):
        draw_set(rng, MEMBERS, 0, 5, meanings=2)
    with pytest.raises(S2MError, match="8 images of 4 out of 3 classes"):
        draw_set(rng, MEMBERS, 0, 8, meanings=4)
