"""How a trained network is judged: accuracy of N-way tasks, average precision of retrieval, intervals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.stats
import torch
from sklearn.metrics import auc, average_precision_score, precision_recall_curve
from torch import Tensor

from s2m.datasets import Characters
from s2m.embeddings import as_images
from s2m.episodes import draw_task, generator, take
from s2m.layer import RelevanceNet
from s2m.relevance import Relevance


@torch.no_grad()
def describe_characters(network: RelevanceNet, characters: Characters, batch: int = 100) -> Tensor:
    """Descriptors (C, D, n) of all drawings, in float32, with batch normalisation as at test."""
    network.eval()
    flat = torch.from_numpy(characters.images).flatten(0, 1)
    parts = [network.describe(as_images(part.to(network.device))) for part in flat.split(batch)]
    return torch.cat(parts).unflatten(0, characters.images.shape[:2])


@torch.no_grad()
def classify(
    descriptors: Tensor,
    relevance: Relevance,
    way: int,
    shot: int,
    tasks: int,
    seed: int = 0,
    stream: str = "test",
    groups: Sequence[Sequence[int]] = (),
) -> np.ndarray:
    """Accuracy of each of `tasks` N-way K-shot tasks, all drawings that are not examples being queries: (tasks,).

    A query goes to the class whose examples make it most relevant. descriptors: (C, D, n). groups: the classes of a
    task all come from one of these, drawn anew for each task; without any, from all C.
    """
    drawings = descriptors.shape[1]
    truth = torch.arange(way).repeat_interleave(drawings - shot)
    accuracies = []
    for index in range(tasks):
        rng = generator(seed, f"{stream} {way}-way {shot}-shot", index)
        values = descriptors[list(groups[rng.integers(len(groups))])] if groups else descriptors
        task = draw_task(rng, (len(values), drawings), way, shot, drawings - shot)
        scores = relevance(take(values, task.examples), take(values, task.queries).flatten(0, 1))
        accuracies.append((scores.argmax(0).cpu() == truth).double().mean().item())
    return np.array(accuracies)


@torch.no_grad()
def retrieve(
    descriptors: Tensor, relevance: Relevance, examples: int, seed: int = 0, stream: str = "test"
) -> dict[str, np.ndarray]:
    """Average precision of each class as a concept, in both conventions.

    `examples` drawings of a class, drawn from (seed, stream, class), are its concept set; every other drawing of every
    class is ranked. Returns {"stepwise": (C,), "trapezoid": (C,)}: the step-wise sum (scikit-learn since 0.19) and the
    area under the precision-recall curve by trapezoids (before 0.19, as when the paper was written).
    """
    classes, drawings, _ = descriptors.shape
    everything = descriptors.flatten(0, 1)
    result: dict[str, list[float]] = {"stepwise": [], "trapezoid": []}
    for index in range(classes):
        kept = generator(seed, f"{stream} retrieval", index).permutation(drawings)[:examples]
        scores = relevance(descriptors[index, kept].unsqueeze(0), everything)[0].double().cpu().numpy()
        truth = np.repeat(np.arange(classes) == index, drawings)
        asked = np.ones(len(truth), dtype=bool)
        asked[index * drawings + kept] = False
        result["stepwise"].append(float(average_precision_score(truth[asked], scores[asked])))
        precision, recall, _ = precision_recall_curve(truth[asked], scores[asked])
        result["trapezoid"].append(float(auc(recall, precision)))
    return {name: np.array(values) for name, values in result.items()}


def one_rotation_each(characters: Characters, seed: int = 0, stream: str = "test") -> Characters:
    """Every character at one rotation of its own, drawn from (seed, stream): the collection of a retrieval test."""
    turns = generator(seed, f"{stream} rotation", 0).integers(4, size=len(characters))
    return characters.rotated().select(
        f"{name}@{90 * turn}" for name, turn in zip(characters.names, turns, strict=True)
    )


def confidence95(values: np.ndarray | list[float]) -> float:
    """Half the width of the 95 % Student interval for the mean of independent values; NaN for a single one.

    >>> round(confidence95([1.0, 2.0, 3.0]), 3)
    2.484
    """
    values = np.asarray(values, dtype=float)
    if len(values) < 2:
        return float("nan")
    return float(scipy.stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values)))
