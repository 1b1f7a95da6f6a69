"""Concept sets that are not pure, of noise or of two meanings, and how well a relevance ranks by them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from s2m.episodes import generator, take
from s2m.errors import S2MError
from s2m.relevance import Relevance


@dataclass(frozen=True)
class ConceptSets:
    """S concept sets and what is asked of them, as (class, drawing) pairs: arrays (S, N, 2), (S, R, 2) and (S, U, 2).

    examples: what is given; relevant: what should be found; unranked: the examples, and what else stays out of the
    ranking. All other drawings are ranked and irrelevant.
    """

    examples: np.ndarray
    relevant: np.ndarray
    unranked: np.ndarray


def shuffled(shape: tuple[int, int], seed: int, stream: str) -> np.ndarray:
    """All (class, drawing) pairs, each class in the order in which `retrieve` draws its examples: (C, D, 2)."""
    classes, drawings = shape
    order = [generator(seed, f"{stream} retrieval", index).permutation(drawings) for index in range(classes)]
    return np.stack([np.broadcast_to(np.arange(classes)[:, None], shape), np.stack(order)], -1)


def noisy_sets(
    shape: tuple[int, int], foreign: int, size: int = 10, seed: int = 0, stream: str = "test"
) -> ConceptSets:
    """A concept set of `size` drawings for each class, of which `foreign` show other classes, no two the same.

    The sets are nested: one more foreign drawing takes the place of one more of the class's own, and nothing else
    changes. What should be found is always the same, all drawings of the class but the `size` of the set without
    noise, which are those of `retrieve`; those that gave way are not ranked. shape: (C, D), classes and drawings of
    each.

    Raises S2MError for sets that take more drawings than there are, or more foreign ones than they hold.

    Explained in the chapter "Noise and several meanings".

    >>> noisy_sets((8, 20), foreign=2).examples[0, :, 0].tolist()
    [0, 0, 0, 0, 0, 0, 4, 0, 0, 7]
    """
    classes, drawings = shape
    if not (0 <= foreign <= size < drawings and foreign < classes):
        raise S2MError(
            f"{foreign} foreign drawings in sets of {size}, out of {classes} classes with {drawings} drawings: give "
            "0 <= foreign <= size, size below the number of drawings, and more classes than foreign ones"
        )
    own = shuffled(shape, seed, stream)
    examples = own[:, :size].copy()
    for index in range(classes):
        rng = generator(seed, f"{stream} foreign", index)
        # All is drawn, then cut to what is asked for: so the sets are nested. No shift leads back to the class.
        places, shifts = rng.permutation(size), 1 + rng.permutation(classes - 1)
        strangers = np.stack([(index + shifts) % classes, rng.integers(drawings, size=classes - 1)], -1)
        examples[index, places[:foreign]] = strangers[:foreign]
    return ConceptSets(examples, own[:, size:], np.concatenate([examples, own[:, :size]], 1))


def ambiguous_sets(shape: tuple[int, int], each: int = 5, seed: int = 0, stream: str = "test") -> ConceptSets:
    """A concept set with two meanings for each class: `each` drawings of it and as many of another, in mixed order.

    What should be found is all their other drawings. shape: (C, D), classes and drawings of each.

    Raises S2MError for fewer than two classes, or sets that leave nothing to be found.

    Explained in the chapter "Noise and several meanings".

    >>> ambiguous_sets((8, 20), each=3).examples[:2, :, 0].tolist()
    [[0, 7, 0, 0, 7, 7], [1, 4, 1, 1, 4, 4]]
    """
    classes, drawings = shape
    if classes < 2 or not 1 <= each < drawings:
        raise S2MError(
            f"sets of two times {each} drawings, out of {classes} classes with {drawings} drawings: give at least two "
            "classes, and 1 <= each < drawings"
        )
    own, examples, relevant = shuffled(shape, seed, stream), [], []
    for index in range(classes):
        rng = generator(seed, f"{stream} second meaning", index)
        both = own[[index, (index + rng.integers(1, classes)) % classes]]  # (2, D, 2)
        examples.append(rng.permutation(both[:, :each].reshape(-1, 2)))
        relevant.append(both[:, each:].reshape(-1, 2))
    return ConceptSets(np.stack(examples), np.stack(relevant), np.stack(examples))


@torch.no_grad()
def judge_sets(descriptors: Tensor, relevance: Relevance, sets: ConceptSets, batch: int = 50) -> dict[str, np.ndarray]:
    """Average precision of every concept set, in both conventions of `retrieve`: {"stepwise": (S,), "trapezoid": (S,)}.

    descriptors: (C, D, n). For noisy sets without noise, these are the values of `retrieve`.
    """
    everything, drawings, found = descriptors.flatten(0, 1), descriptors.shape[1], []
    for start in range(0, len(sets.examples), batch):
        examples, relevant, unranked = (
            pairs[start : start + batch] for pairs in (sets.examples, sets.relevant, sets.unranked)
        )
        scores = relevance(take(descriptors, examples), everything).cpu()
        places = [torch.from_numpy(pairs[..., 0] * drawings + pairs[..., 1]) for pairs in (relevant, unranked)]
        found.append(average_precisions(scores, *places))
    return {name: np.concatenate([part[name] for part in found]) for name in ("stepwise", "trapezoid")}


def average_precisions(scores: Tensor, relevant: Tensor, unranked: Tensor) -> dict[str, np.ndarray]:
    """Average precision of rankings by scores (S, M), ties included, as scikit-learn has it: each (S,).

    relevant (S, R) and unranked (S, U) are places in a row. Precision is looked up at the relevant places alone, where
    recall steps up: at a step, and by trapezoids halfway between there and just before.

    >>> found = average_precisions(torch.tensor([[4.0, 3.0, 2.0, 1.0]]), torch.tensor([[1, 2]]), torch.tensor([[3]]))
    >>> {name: values.round(3).tolist() for name, values in found.items()}
    {'stepwise': [0.583], 'trapezoid': [0.417]}
    """
    order = scores.scatter(1, unranked, -torch.inf).sort(1).values
    own = scores.gather(1, relevant)
    reached = scores.shape[1] - torch.searchsorted(order, own)  # drawings that score as high, or higher
    passed = scores.shape[1] - torch.searchsorted(order, own, right=True)  # those that score higher
    at = (own.unsqueeze(1) >= own.unsqueeze(2)).sum(2).double() / reached
    before = torch.where(passed > 0, (own.unsqueeze(1) > own.unsqueeze(2)).sum(2).double() / passed, 1.0)
    return {"stepwise": at.mean(1).numpy(), "trapezoid": ((at + before) / 2).mean(1).numpy()}
