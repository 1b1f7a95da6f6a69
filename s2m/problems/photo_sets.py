"""Concept sets of photographs: pure, with foreign images among them, or with two meanings under one name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from s2m.episodes import generator
from s2m.errors import S2MError


@dataclass(frozen=True)
class PhotoSet:
    """A concept set and what is asked of it, as places among M images; a foreign image has a place from M on.

    examples: (N,) the set; relevant: (R,) what should be found; unranked: (U,) what stays out of the ranking. All other
    images are ranked and irrelevant. classes: those that the set means.
    """

    examples: np.ndarray
    relevant: np.ndarray
    unranked: np.ndarray
    classes: tuple[int, ...]


def draw_set(
    rng: np.random.Generator,
    members: Sequence[np.ndarray],
    concept: int,
    size: int,
    foreign: int = 0,
    strangers: np.ndarray | None = None,
    meanings: int = 1,
) -> PhotoSet:
    """A concept set of `size` images of class `concept`, or in equal parts of it and of other classes.

    members: the images of each class, as places. foreign: how many images of the set give way to ones of `strangers`
    (places; none of them is drawn twice); those that gave way are not ranked. What should be found does not depend on
    it.

    Raises:
        S2MError: a class with too few images, too few strangers or classes, or a size that the meanings do not divide.

    Explained in the chapter "Noise and several senses".

    >>> from s2m.episodes import generator
    >>> members = [np.arange(0, 6), np.arange(6, 12)]
    >>> found = draw_set(generator(0, "example", 0), members, concept=1, size=4, foreign=1, strangers=np.arange(12, 20))
    >>> sorted(found.examples.tolist()), sorted(found.relevant.tolist())
    ([7, 8, 9, 12], [6, 11])
    """
    if meanings > len(members) or size % meanings:
        raise S2MError(f"{size} images of {meanings} out of {len(members)} classes: give a multiple, and more classes")
    shift = 1 + rng.permutation(len(members) - 1)[: meanings - 1]  # never 0: a set does not mean a class twice
    classes = (concept, *((concept + shift) % len(members)).tolist())
    each = size // meanings
    short = [index for index in classes if len(members[index]) <= each]
    if short:
        raise S2MError(
            f"class {short[0]} has {len(members[short[0]])} images and {each} are examples: nothing is left to be "
            "found; ask for fewer examples, or leave the class out"
        )
    own = [rng.permutation(members[index]) for index in classes]
    pure = np.concatenate([images[:each] for images in own])
    examples = pure.copy()
    if foreign:
        if strangers is None or foreign > min(len(strangers), size):
            count = 0 if strangers is None else len(strangers)
            raise S2MError(f"{foreign} foreign images in a set of {size}, out of {count}: ask for fewer")
        examples[rng.permutation(size)[:foreign]] = rng.choice(strangers, foreign, replace=False)
    return PhotoSet(examples, np.concatenate([images[each:] for images in own]), pure, classes)


def draw_sets(
    seed: int,
    part: str,
    draws: int,
    members: Sequence[np.ndarray],
    size: int,
    share: float,
    strangers: Callable[[int], np.ndarray],
    meanings: int = 1,
) -> list[PhotoSet]:
    """`draws` concept sets of every class, class after class: a function of the seed and the name of the part.

    share: of foreign images, out of `strangers(concept)`. Whatever the share and the strangers, the sets of a seed have
    the same images of the class. The rest as `draw_set`.
    """
    return [
        draw_set(
            generator(seed, f"{part} set {draw}", concept),
            members,
            concept,
            size,
            round(share * size),
            strangers(concept),
            meanings,
        )
        for concept in range(len(members))
        for draw in range(draws)
    ]


def by_class(labels: np.ndarray, classes: int) -> list[np.ndarray]:
    """The places of the images of each class."""
    return [np.flatnonzero(labels == index) for index in range(classes)]
