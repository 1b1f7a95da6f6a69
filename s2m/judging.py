"""The test of a finished run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from s2m.datasets import Characters
from s2m.problems import PhotoData, load_problem
from s2m.problems.drawings import TASKS
from s2m.runs import load_network, read_run_config
from s2m.storage import write_bytes, write_json


def judge(folder: Path, data: Characters | PhotoData | None = None, tasks: int = TASKS) -> dict[str, Any]:
    """Judge a run on its test classes; writes `scores.json`, and `judged.csv` with every single task or concept set.

    What is measured is told by `judge` of the run's problem, in s2m.problems. All methods see the same tasks, of which
    there are `tasks` in each setting of a classification.
    """
    config = read_run_config(folder)
    problem = load_problem(config, data)
    found = problem.judge(load_network(folder), tasks)
    scores: dict[str, Any] = {"task": config.task, "source": problem.source, "shot": config.examples}
    scores |= {name: summary(values.dropna().to_numpy()) for name, values in found.select_dtypes("number").items()}
    write_bytes(folder / "judged.csv", found.to_csv(index=False, float_format="%.6g").encode())
    write_json(folder / "scores.json", scores)
    return scores


def summary(values: np.ndarray) -> dict[str, float]:
    """Mean, standard deviation and number of the tasks or concept sets that were judged."""
    return {"mean": float(values.mean()), "sd": float(values.std(ddof=1)), "count": len(values)}
