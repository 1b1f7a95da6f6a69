"""The interface between the one training loop and all that is learned with it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import pandas as pd
from torch import Tensor

from s2m.layer import RelevanceNet


@dataclass(frozen=True)
class Batch:
    """The T tuples of a step, each of N examples and M queries, the relevant queries first.

    inputs: (T, N + M, *image), what the embedding takes, the examples first.
    foreign: (T, T M), which query of the whole step, tuple after tuple, is irrelevant to a tuple's concept.
    """

    inputs: Tensor
    foreign: Tensor


class Problem(ABC):
    """Classes to learn from, to validate with and to be judged by. `source` says what the images are."""

    source: str

    def begin(self, network: RelevanceNet) -> None:  # noqa: B027 most have nothing to do
        """Set the first weights where the problem has better ones than chance."""

    @abstractmethod
    def draw(self, step: int) -> Batch:
        """The tuples of a step: a function of the config's seed and the step, and of nothing else."""

    @abstractmethod
    def validate(self, network: RelevanceNet) -> float:
        """How good a network is on the validation classes; greater is better."""

    @abstractmethod
    def judge(self, network: RelevanceNet, tasks: int) -> pd.DataFrame:
        """How good it is on the test classes: a column a measure, a row a concept set, or one of `tasks` tasks."""
