"""What is learned and judged: what a step draws, what validation and the test measure."""

from s2m.config import Config
from s2m.datasets import Characters, load_characters
from s2m.errors import S2MError
from s2m.problems.base import Batch, Problem
from s2m.problems.drawings import DrawingProblem
from s2m.problems.photo_data import PhotoData, load_photo_data
from s2m.problems.photos import PhotoProblem

__all__ = ["Batch", "DrawingProblem", "PhotoData", "PhotoProblem", "Problem", "load_problem"]


def load_problem(config: Config, data: Characters | PhotoData | None = None) -> Problem:
    """The problem of a config. data: its images, loaded already; None loads them. Raises S2MError for another kind."""
    if data is not None and isinstance(data, PhotoData) != config.of_photos:
        raise S2MError(f"the config is for {config.data} and the data are {data.source}: give those of the config")
    if config.of_photos:
        return PhotoProblem(config, load_photo_data(config) if data is None else data)  # type: ignore[arg-type]
    return DrawingProblem(config, load_characters(config.data) if data is None else data)  # type: ignore[arg-type]
