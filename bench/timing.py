"""Time things that are compared in turns, so that a busy moment of the machine meets all of them alike."""

from __future__ import annotations

import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from s2m.provenance import processor


@dataclass(frozen=True)
class Timing:
    """Seconds of one call: median, and the quartiles around it."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{1e3 * self.median:.2f} ms ({1e3 * self.low:.2f} to {1e3 * self.high:.2f})"


def spread(seconds: list[float]) -> Timing:
    """The spread of at least two measurements."""
    low, middle, high = statistics.quantiles(seconds, n=4)
    return Timing(middle, low, high)


def time_in_turns(calls: dict[str, Callable[[], object]], rounds: int = 30, warm_up: int = 3) -> dict[str, Timing]:
    """Call each of `calls` once a round; returns the spread of each over the rounds after the warm-up."""
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(warm_up + rounds):
        for name, call in calls.items():
            began = time.perf_counter()
            call()
            if turn >= warm_up:
                seconds[name].append(time.perf_counter() - began)
    return {name: spread(values) for name, values in seconds.items()}


def rounds_for(seconds: float, once: float) -> int:
    """As many rounds of `once` seconds as fit into some seconds, 3 to 21."""
    return max(3, min(21, int(seconds / once)))


def machine() -> str:
    """One line that says where a timing was taken."""
    threads = torch.get_num_threads()
    return f"{processor()}, {threads} thread(s), torch {torch.__version__}, Python {platform.python_version()}"
