"""What is learned and judged: what a step draws, what validation and the test measure."""

from s2m.config import Config
from s2m.datasets import Characters, load_characters
from s2m.problems.base import Batch, Problem
from s2m.problems.drawings import DrawingProblem

__all__ = ["Batch", "DrawingProblem", "Problem", "load_problem"]


def load_problem(config: Config, data: Characters | None = None) -> Problem:
    """The problem of a config. data: its images, already loaded; None loads them."""
    return DrawingProblem(config, load_characters(config.data) if data is None else data)
