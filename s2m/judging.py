"""The test of a finished run, with the protocol of the paper."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from s2m.datasets import Characters, load_characters, split_characters
from s2m.evaluation import classify, describe_characters, one_rotation_each, retrieve
from s2m.runs import load_run, read_run_config
from s2m.storage import write_json

WAYS = (5, 20)
TASKS = 1000


def judge(folder: Path, characters: Characters | None = None, tasks: int = TASKS) -> dict[str, Any]:
    """Judge a run on the test characters and write `scores.json` into its folder.

    Classification: mean accuracy of `tasks` 5-way and 20-way tasks with as many shots as the run was trained with;
    classes are test characters at one of four rotations. Retrieval: every test character, at a rotation of its own, is
    a concept; mean average precision over them, all other drawings of all test characters being ranked. All methods see
    the same tasks.
    """
    config = read_run_config(folder)
    network = load_run(folder)
    characters = load_characters(config.data) if characters is None else characters
    test = split_characters(characters, config.split, "test")
    scores: dict[str, Any] = {"task": config.task, "source": characters.source, "shot": config.examples}
    if config.task == "classification":
        descriptors = describe_characters(network, test.rotated())
        for way in WAYS:
            accuracies = classify(descriptors, network.relevance, way, config.examples, tasks)
            scores[f"{way}-way"] = summary(accuracies)
    else:
        descriptors = describe_characters(network, one_rotation_each(test))
        for name, precisions in retrieve(descriptors, network.relevance, config.examples).items():
            scores[name] = summary(precisions)
    write_json(folder / "scores.json", scores)
    return scores


def summary(values: np.ndarray) -> dict[str, float]:
    """Mean, standard deviation and number of the tasks or classes that were judged."""
    return {"mean": float(values.mean()), "sd": float(values.std(ddof=1)), "count": len(values)}
