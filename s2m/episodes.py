"""What is drawn at a step: tuples to learn from and tasks to be judged by, as functions of (seed, step) alone."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

from s2m.errors import S2MError


def generator(seed: int, stream: str, step: int) -> np.random.Generator:
    """The source of chance at one step of one stream ("train", "test", ...); no state is kept between steps.

    >>> int(generator(0, "train", 7).integers(100)) == int(generator(0, "train", 7).integers(100))
    True
    """
    return np.random.default_rng([seed, zlib.crc32(stream.encode()), step])


@dataclass(frozen=True)
class Tuples:
    """T tuples (X, Z+, Z-), each entry a (class, drawing) pair: arrays (T, N, 2), (T, P, 2) and (T, Q, 2)."""

    examples: np.ndarray
    relevant: np.ndarray
    irrelevant: np.ndarray


@dataclass(frozen=True)
class Task:
    """An N-way K-shot task: examples (way, shot, 2) and queries (way, queries, 2) as (class, drawing) pairs.

    Query [i, j] belongs to class i of the task.
    """

    examples: np.ndarray
    queries: np.ndarray


def draw_tuples(
    rng: np.random.Generator,
    shape: tuple[int, int],
    tuples: int,
    examples: int,
    relevant: int,
    irrelevant: int,
    distinct: bool = False,
) -> Tuples:
    """Draw `tuples` concepts; X and Z+ are different drawings of it, each member of Z- is a drawing of another class.

    shape: (C, D), the number of classes and of drawings a class. Where classes are characters at a rotation, Z- may
    hold the same character at another rotation, as in the paper. distinct: no two concepts are the same class.

    Raises:
        S2MError: too few classes or drawings.

    >>> draw_tuples(generator(0, "train", 0), (10, 20), tuples=3, examples=5, relevant=15, irrelevant=20).examples.shape
    (3, 5, 2)
    """
    classes, drawings = shape
    if classes < 2 or examples + relevant > drawings:
        raise S2MError(
            f"{examples} examples and {relevant} relevant drawings of one class, out of {classes} classes with "
            f"{drawings} drawings: ask for fewer, and give at least two classes"
        )
    if distinct and tuples > classes:
        raise S2MError(f"{tuples} distinct concepts out of {classes} classes: ask for fewer tuples")
    concepts = rng.choice(classes, tuples, replace=False) if distinct else rng.integers(classes, size=tuples)
    own = np.stack([rng.permutation(drawings)[: examples + relevant] for _ in range(tuples)])
    own = np.stack([np.broadcast_to(concepts[:, None], own.shape), own], -1)
    # A shift by 1 .. C - 1 never returns to the concept itself.
    others = (concepts[:, None] + rng.integers(1, classes, size=(tuples, irrelevant))) % classes
    foreign = np.stack([others, rng.integers(drawings, size=others.shape)], -1)
    return Tuples(own[:, :examples], own[:, examples:], foreign)


def draw_task(rng: np.random.Generator, shape: tuple[int, int], way: int, shot: int, queries: int) -> Task:
    """Draw `way` different classes, and from each `shot` examples and `queries` other drawings.

    Raises:
        S2MError: too few classes or drawings.

    >>> draw_task(generator(0, "test", 0), (423, 20), way=5, shot=1, queries=15).queries.shape
    (5, 15, 2)
    """
    classes, drawings = shape
    if way > classes or shot + queries > drawings:
        raise S2MError(
            f"a {way}-way {shot}-shot task with {queries} queries a class, out of {classes} classes with {drawings} "
            "drawings: ask for fewer"
        )
    chosen = rng.choice(classes, way, replace=False)
    order = np.stack([rng.permutation(drawings)[: shot + queries] for _ in range(way)])
    pairs = np.stack([np.broadcast_to(chosen[:, None], order.shape), order], -1)
    return Task(pairs[:, :shot], pairs[:, shot:])


def take(values: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """The entries of values (C, D, ...) at (class, drawing) pairs (..., 2)."""
    return values[pairs[..., 0], pairs[..., 1]]
