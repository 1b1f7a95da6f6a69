"""Measure, with the threads that this process has; `gradient.py` starts it once for each number of threads.

It prints its rows as JSON, and its progress on stderr.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict

import torch
from fits import time_fits
from memory import in_own_process
from others import PEERS, installed, versions
from settings import FULL, QUICK, Plan, Setting, sweeps
from timing import machine, rounds_for, spread, time_in_turns
from ways import Gradients, methods_for


def time_gradients(setting: Setting, methods: tuple[str, ...], seconds: float, memory: bool) -> list[dict[str, object]]:
    """A row for every method, its whole time and that of its way back alone, in seconds and as ratios to exact."""
    peaks = {method: in_own_process(setting, method) for method in methods} if memory else {}
    run = Gradients(setting)
    calls = {method: (lambda method=method: run(method)) for method in methods}
    began = time.perf_counter()
    found = {method: call() for method, call in calls.items()}
    rounds = rounds_for(seconds, once=time.perf_counter() - began)
    timings = time_in_turns(calls, rounds, warm_up=0)
    exact, whole = found["exact"], timings["exact"].median
    back = {method: spread(run.backward[method][1:]) for method in methods}  # the first call was not timed either
    return [
        {"task": "gradient", "method": method, **asdict(setting), "rounds": rounds,
         "median_s": timing.median, "low_s": timing.low, "high_s": timing.high, "ratio": timing.median / whole,
         "backward_s": back[method].median, "backward_low_s": back[method].low, "backward_high_s": back[method].high,
         "backward_ratio": back[method].median / back["exact"].median,
         "peak_mb": peaks.get(method), "error": float((found[method] - exact).norm() / exact.norm())}
        for method, timing in timings.items()
    ]  # fmt: skip


def measure(plan: Plan, seconds: float, sweep: bool) -> list[dict[str, object]]:
    """Every row; `sweep`: also over other sizes, and with peak memory."""
    rows = []
    for setting in [plan.base, *(sweeps(plan.base) if sweep and plan is FULL else [])]:
        say(str(setting))
        rows += time_gradients(setting, methods_for(setting), seconds * (3 if setting == plan.base else 1), sweep)
    say(f"{plan.large}, exact alone")
    rows += time_gradients(plan.large, ("exact", "exact, own start"), seconds, sweep)
    say(f"{plan.fits}, the fit alone")
    rows += time_fits(plan.fits, seconds)
    where = f"{machine()}, {versions()}"
    return [{**row, "threads": torch.get_num_threads(), "machine": where} for row in rows]


def say(line: str) -> None:
    """Progress, beside the rows."""
    print(line, file=sys.stderr, flush=True)


def main() -> None:
    """Measure and print the rows."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="tiny sizes")
    parser.add_argument("--seconds", type=float, default=1.0, help="about how long each setting is timed")
    parser.add_argument("--sweep", action="store_true", help="over all sizes, and with peak memory")
    arguments = parser.parse_args()
    for name in PEERS:
        if not installed(name):
            say(f"{name} is not installed, so it is not timed: `make bench-gradient` installs it")
    rows = measure(QUICK if arguments.quick else FULL, arguments.seconds, arguments.sweep)
    print(json.dumps(rows))


if __name__ == "__main__":
    main()
