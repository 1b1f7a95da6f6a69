"""The test of a finished run, with the protocol of the paper."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from s2m.config import Config
from s2m.datasets import Characters, by_alphabet, load_characters, split_characters
from s2m.evaluation import classify, describe_characters, one_rotation_each, retrieve
from s2m.layer import RelevanceNet
from s2m.runs import load_run, read_run_config
from s2m.storage import write_bytes, write_json

SETTINGS = ((5, 1), (5, 5), (20, 1), (20, 5))  # ways and shots
TASKS = 1000


def judge(folder: Path, characters: Characters | None = None, tasks: int = TASKS) -> dict[str, Any]:
    """Judge a run on the test characters; writes `scores.json`, and `judged.csv` with every single task or concept.

    Classification: accuracy of `tasks` tasks in each of `SETTINGS`; classes are test characters at one of four
    rotations. Where whole alphabets are held out (any split but the paper's), also of tasks within one alphabet that
    has as many characters, upright. Retrieval: every test character, at a rotation of its own, is a concept; average
    precision, all other drawings of all test characters being ranked. All methods see the same tasks.
    """
    config = read_run_config(folder)
    characters = load_characters(config.data) if characters is None else characters
    test = split_characters(characters, config.split, "test")
    network = load_run(folder)
    found = (
        judge_tasks(network, config, test, tasks)
        if config.task == "classification"
        else judge_concepts(network, config, test)
    )
    scores: dict[str, Any] = {"task": config.task, "source": characters.source, "shot": config.examples}
    scores |= {name: summary(values.to_numpy()) for name, values in found.items()}
    write_bytes(folder / "judged.csv", found.to_csv(index=False, float_format="%.6g").encode())
    write_json(folder / "scores.json", scores)
    return scores


def judge_tasks(network: RelevanceNet, config: Config, test: Characters, tasks: int) -> pd.DataFrame:
    """Accuracy of every task (row) in every setting (column)."""
    descriptors = describe_characters(network, test.rotated())
    found = {}
    for way, shot in SETTINGS:
        found[f"{way}-way {shot}-shot"] = classify(descriptors, network.relevance, way, shot, tasks)
    if config.split != "paper":
        place = {name: index for index, name in enumerate(test.names)}  # the first of `rotated` are the upright ones
        alphabets = [[place[name] for name in names] for names in by_alphabet(test.names).values()]
        for way, shot in SETTINGS:
            groups = [alphabet for alphabet in alphabets if len(alphabet) >= way]
            if groups:
                found[f"{way}-way {shot}-shot within alphabets"] = classify(
                    descriptors, network.relevance, way, shot, tasks, stream="test within alphabets", groups=groups
                )
    return pd.DataFrame(found)


def judge_concepts(network: RelevanceNet, config: Config, test: Characters) -> pd.DataFrame:
    """Average precision of every concept (row) in both conventions (columns)."""
    descriptors = describe_characters(network, one_rotation_each(test))
    return pd.DataFrame(retrieve(descriptors, network.relevance, config.examples))


def summary(values: np.ndarray) -> dict[str, float]:
    """Mean, standard deviation and number of the tasks or classes that were judged."""
    return {"mean": float(values.mean()), "sd": float(values.std(ddof=1)), "count": len(values)}
