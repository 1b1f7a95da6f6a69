"""Time and peak memory of the gradient through a mixture fit, against other ways; and of the fit against other EMs.

    python bench/gradient.py            (minutes, on a quiet machine; writes results/tables/gradient.csv)
    python bench/gradient.py --quick    (seconds, tiny sizes; writes nothing unless --out names a file)

Every method of a setting starts from the same mixture and is timed in turns with the others, in one process; once with
one thread and once with all, each in a process of its own. A gradient is timed from the descriptors to their gradient:
the fit, and the way back. Unrolling needs no fit, so it is timed without one.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from statistics import median

import pandas as pd
import torch
from others import fit_with_pomegranate, fit_with_scikit, fit_with_torchopt, installed
from timing import machine, time_in_turns
from torch import Tensor

from s2m.models import Mixture, VariancePrior, fit_mixture, study
from s2m.models.curvature import Point
from s2m.models.prior import natural_parameters
from s2m.models.start import best_start
from s2m.models.steps import Step
from s2m.storage import write_bytes

TABLE = Path(__file__).parent.parent / "results" / "tables" / "gradient.csv"
METHODS = ("exact", "exact, own start", "conjugate", "one-step", "unrolled 20", "unrolled 100", "published", "torchopt")
PRIOR = VariancePrior(100.0, 1.5)  # strong enough that some responsibilities are soft, so that gradients differ
DENSE_UP_TO = 1100  # parameters a set beyond which the dense system is left out: its time grows with their cube
SHOWN = ["task", "method", "sets", "examples", "size", "components", "threads"]
SHOWN += ["ratio", "median_s", "backward_ratio", "peak_mb"]
PEERS = ("torchopt", "pomegranate")
GAIN = 1e-6  # the fits stop where a step of EM gains less log-likelihood an example
NEAR = 1e-4  # the residual at which s2m stops for that; the column next_step_gains shows that it is near enough
MAX_STEPS = 1000


@dataclass(frozen=True)
class Setting:
    """B sets of N examples of n dimensions, k components each."""

    sets: int = 16
    examples: int = 50
    size: int = 128
    components: int = 4


def sweeps(base: Setting) -> list[Setting]:
    """The base, and from it one of n, N, k and B at a time."""
    varied = {"size": (8, 32, 256, 512), "examples": (10, 100), "components": (2, 8), "sets": (1, 4, 32)}
    return [base] + [replace(base, **{name: value}) for name, values in varied.items() for value in values]


def problem(setting: Setting) -> tuple[Tensor, Tensor]:
    """Clusters of standard deviation 1 whose centres lie some 4 apart; x (B, N, n) float64, and labels (B, N), a third
    of them drawn anew."""
    generator = torch.Generator().manual_seed(0)
    shape, k = (setting.sets, setting.examples), setting.components
    centres = torch.randn(setting.sets, k, setting.size, generator=generator, dtype=torch.float64)
    labels = (torch.arange(setting.examples) % k).expand(shape)
    noise = torch.randn(*shape, setting.size, generator=generator, dtype=torch.float64)
    x = 3 / setting.size**0.5 * centres[:, labels[0]] + noise
    other = torch.randint(k, shape, generator=generator)
    return x, torch.where(torch.rand(shape, generator=generator) < 1 / 3, other, labels)


class Gradients:
    """One problem, and every way to its gradient; `backward` keeps the seconds that each way back took."""

    def __init__(self, setting: Setting) -> None:
        self.x, _ = problem(setting)
        self.k = setting.components
        step, generator = self.step(self.x), torch.Generator().manual_seed(0)
        self.begin = best_start(step, self.k, generator, 4)
        self.start = Mixture(self.begin.weights, self.begin.means, self.begin.variances)
        self.upstream = [torch.randn(part.shape, generator=generator).double() for part in vars(self.begin).values()]
        self.backward: dict[str, list[float]] = {name: [] for name in METHODS}

    def step(self, x: Tensor) -> Step:
        return Step(x, torch.ones(x.shape[:2], dtype=torch.float64), *natural_parameters(PRIOR, "cpu"))

    def forward(self, method: str, x: Tensor) -> Point | Mixture:
        """The fitted parameters, ready to be differentiated."""
        if method == "torchopt":
            return fit_with_torchopt(x, PRIOR, self.start)
        name, _, rest = method.partition(" ")
        if name == "unrolled":
            study.UNROLLED = int(rest)
            return study.attach("unrolled", self.step(x), self.begin, self.begin, x.new_empty(0))
        own = method == "exact, own start"
        return fit_mixture(x, self.k, prior=PRIOR, start=None if own else self.start,
                           gradient=name.strip(","))  # fmt: skip

    def __call__(self, method: str) -> Tensor:
        """dL/dx for a fixed dL/d(parameters)."""
        leaf = self.x.clone().requires_grad_()
        fitted = self.forward(method, leaf)
        began = time.perf_counter()
        torch.autograd.backward([fitted.weights, fitted.means, fitted.variances], self.upstream)
        self.backward[method].append(time.perf_counter() - began)
        return leaf.grad


def high_water() -> float:
    """The most memory this process has held so far, in MB."""
    status = Path("/proc/self/status")
    if status.is_file():  # ru_maxrss of a child counts its parent's memory too
        return int(status.read_text().split("VmHWM:")[1].split()[0]) * 1024 / 1e6
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6  # in bytes on macOS


def peak(setting: Setting, method: str) -> float:
    """MB that one forward and backward holds at most; called in a process of its own."""
    Gradients(Setting(1, 8, 2, 2))(method)  # what is loaded at a first call is not counted
    run = Gradients(setting)
    if Path("/proc/self/clear_refs").is_file():  # Linux: give back what the search for a start held, and forget it
        ctypes.CDLL(None).malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5")
    before = high_water()
    run(method)
    return high_water() - before


def in_own_process(setting: Setting, method: str) -> float:
    """`peak`, from a process forked from one that has nothing but the imports."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["torch", "s2m", "pandas", "sklearn.mixture"])
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(peak, setting, method).result()


def rounds_for(seconds: float, began: float) -> int:
    """As many rounds as fit into some seconds, 3 to 21, judged by a first one that is not counted."""
    return max(3, min(21, int(seconds / (time.perf_counter() - began))))


def time_gradients(setting: Setting, methods: tuple[str, ...], seconds: float, memory: bool) -> list[dict[str, object]]:
    """A row for every method."""
    peaks = {method: in_own_process(setting, method) for method in methods} if memory else {}
    run = Gradients(setting)
    calls = {method: (lambda method=method: run(method)) for method in methods}
    began = time.perf_counter()
    found = {method: call() for method, call in calls.items()}
    rounds = rounds_for(seconds, began)
    exact = found["exact"]
    errors = {method: float((gradient - exact).norm() / exact.norm()) for method, gradient in found.items()}
    for values in run.backward.values():
        values.clear()
    timings = time_in_turns(calls, rounds, warm_up=0)
    back = {method: median(run.backward[method]) for method in methods}
    return [
        {"task": "gradient", "method": method, **asdict(setting), "rounds": rounds, "median_s": timing.median,
         "low_s": timing.low, "high_s": timing.high, "ratio": timing.median / timings["exact"].median,
         "backward_s": back[method], "backward_ratio": back[method] / back["exact"],
         "peak_mb": peaks.get(method), "error": errors[method]}
        for method, timing in timings.items()
    ]  # fmt: skip


def time_fits(setting: Setting, seconds: float) -> list[dict[str, object]]:
    """Maximum likelihood by s2m and by others, from the same start; a row for each."""
    x, labels = problem(setting)
    w, zero = torch.ones(x.shape[:2], dtype=torch.float64), torch.zeros((), dtype=torch.float64)
    step = Step(x, w, zero, zero)
    begin = step.maximise(torch.nn.functional.one_hot(labels, setting.components).double())
    start = Mixture(begin.weights, begin.means, begin.variances)
    calls = {
        "s2m": lambda: fit_mixture(x, setting.components, prior=None, start=start, tolerance=NEAR),
        "s2m, to its default tolerance": lambda: fit_mixture(x, setting.components, prior=None, start=start),
        "scikit-learn": lambda: fit_with_scikit(x, start, GAIN, MAX_STEPS),
        "pomegranate": lambda: fit_with_pomegranate(x, start, GAIN, MAX_STEPS),
    }
    calls = {name: call for name, call in calls.items() if name != "pomegranate" or installed(name)}
    likelihood, gained = {}, {}
    began = time.perf_counter()
    for name, call in calls.items():
        fitted = call()
        point = Point(fitted.weights.double(), fitted.means.double(), fitted.variances.double())
        r, before = step.expect(point)
        likelihood[name] = before / setting.examples
        gained[name] = float(((step.expect(step.maximise(r))[1] - before) / setting.examples).max())
    rounds = rounds_for(seconds, began)
    timings = time_in_turns(calls, rounds, warm_up=0)
    return [
        {"task": "fit", "method": name, **asdict(setting), "rounds": rounds, "median_s": timing.median,
         "low_s": timing.low, "high_s": timing.high, "ratio": timing.median / timings["s2m"].median,
         "log_likelihood": float(likelihood[name].mean()),
         "sets_below_s2m": int((likelihood[name] < likelihood["s2m"] - GAIN).sum()),
         "sets_above_s2m": int((likelihood[name] > likelihood["s2m"] + GAIN).sum()),
         "next_step_gains": gained[name]}
        for name, timing in timings.items()
    ]  # fmt: skip


def measure(quick: bool, seconds: float, sweep: bool) -> list[dict[str, object]]:
    """Every row, with the threads this process has; `sweep`: also over other sizes, and with peak memory."""
    load, threads = os.getloadavg()[0], torch.get_num_threads()
    where = machine() + "".join(f", {name} {version(name)}" for name in PEERS if installed(name))
    note = f"not a quiet machine: load average {load:.1f} before it began" if load > 1 else ""
    base = Setting(2, 10, 4, 2) if quick else Setting()
    rows = []
    for setting in sweeps(base) if sweep and not quick else [base]:
        dense = setting.components * (1 + 2 * setting.size) <= DENSE_UP_TO
        left_out = set() if dense else {"published"}
        left_out |= set() if installed("torchopt") else {"torchopt"}
        methods = tuple(name for name in METHODS if name not in left_out)
        say(f"{setting}" + (f", without {', '.join(sorted(left_out))}" if left_out else ""))
        rows += time_gradients(setting, methods, 3 * seconds if setting == base else seconds, memory=sweep)
    large = Setting(1, 20, 8, 2) if quick else Setting(1, 100, 4096, 4)
    say(f"{large}, exact alone")
    rows += time_gradients(large, ("exact", "exact, own start"), seconds, memory=sweep)
    fits = Setting(3, 20, 4, 2) if quick else Setting(64)
    say(f"{fits}, the fit alone")
    rows += time_fits(fits, seconds)
    return [{**row, "threads": threads, "note": note, "machine": where} for row in rows]


def say(line: str) -> None:
    """Progress, beside the rows."""
    print(line, file=sys.stderr, flush=True)


def tabulate(rows: list[dict[str, object]]) -> pd.DataFrame:
    """The rows with no more digits than they are good for."""
    digits = dict.fromkeys(("ratio", "backward_ratio", "peak_mb"), 2) | {"log_likelihood": 8}
    digits |= dict.fromkeys(("median_s", "low_s", "high_s", "backward_s"), 6)
    return pd.DataFrame(rows).round(digits)


def main() -> None:
    """Measure with one thread and with all, each in a process of its own, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="tiny sizes, to see that it runs")
    parser.add_argument("--seconds", type=float, default=8.0, help="about how long each setting is timed")
    parser.add_argument("--out", type=Path, help="the table; results/tables/gradient.csv unless --quick")
    parser.add_argument("--part", choices=["all", "base"], help=argparse.SUPPRESS)  # a process that measures
    arguments = parser.parse_args()
    if arguments.part:
        print(json.dumps(measure(arguments.quick, arguments.seconds, sweep=arguments.part == "all")))
        return
    for name in PEERS:
        if not installed(name):
            say(f"{name} is not installed, so it is not timed: `make bench-gradient` installs it")
    rows: list[dict[str, object]] = []
    out = arguments.out or (None if arguments.quick else TABLE)
    for threads in (1,) if arguments.quick else sorted({1, os.cpu_count() or 1}):
        part = "all" if threads == 1 else "base"  # the sweeps with one thread only
        command = [sys.executable, __file__, "--part", part, "--seconds", str(arguments.seconds)]
        command += ["--quick"] if arguments.quick else []
        # Threads are told by the environment: torch.set_num_threads can hang MKL (pytorch #142815).
        done = subprocess.run(
            command,
            env={**os.environ, "OMP_NUM_THREADS": str(threads), "NUMBA_NUM_THREADS": str(threads)},  # pomegranate's
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        rows += json.loads(done.stdout)
        table = tabulate(rows)
        if out:  # after each part, so that what is measured is kept
            write_bytes(out, table.to_csv(index=False).encode())
    print(table[SHOWN].to_string(index=False, na_rep=""))
    print(f"written to {out}" if out else "written nowhere: give --out a name")


if __name__ == "__main__":
    main()
