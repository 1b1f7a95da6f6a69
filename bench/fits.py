"""The fit alone: maximum likelihood by s2m, by scikit-learn and by pomegranate, from one start to one stopping rule."""

from __future__ import annotations

import time
from dataclasses import asdict

import torch
from others import fit_with_pomegranate, fit_with_scikit, installed
from settings import Setting, problem
from timing import rounds_for, time_in_turns

from s2m.models import Mixture, fit_mixture
from s2m.models.curvature import Point
from s2m.models.steps import Step

GAIN = 1e-6  # the fits stop where a step of EM gains less log-likelihood an example
NEAR = 1e-4  # the residual at which s2m stops for that; the column next_step_gains shows that it is near enough
MAX_STEPS = 1000


def time_fits(setting: Setting, seconds: float) -> list[dict[str, object]]:
    """A row for every library: time, the likelihood reached, and how many sets it fits worse or better than s2m."""
    x, labels = problem(setting)
    k = setting.components
    w, no_prior = torch.ones(x.shape[:2], dtype=torch.float64), torch.zeros((), dtype=torch.float64)
    step = Step(x, w, no_prior, no_prior)
    begin = step.maximise(torch.nn.functional.one_hot(labels, k).double())
    start = Mixture(begin.weights, begin.means, begin.variances)
    calls = {
        "s2m": lambda: fit_mixture(x, k, prior=None, start=start, tolerance=NEAR),
        "s2m, to its default tolerance": lambda: fit_mixture(x, k, prior=None, start=start),
        "scikit-learn": lambda: fit_with_scikit(x, start, GAIN, MAX_STEPS),
    }
    if installed("pomegranate"):
        calls["pomegranate"] = lambda: fit_with_pomegranate(x, start, GAIN, MAX_STEPS)
    likelihood, gains = {}, {}
    began = time.perf_counter()
    for name, call in calls.items():
        fitted = call()
        r, before = step.expect(Point(fitted.weights.double(), fitted.means.double(), fitted.variances.double()))
        after = step.expect(step.maximise(r))[1]
        likelihood[name] = before / setting.examples
        gains[name] = float((after - before).max() / setting.examples)
    rounds = rounds_for(seconds, once=time.perf_counter() - began)
    timings = time_in_turns(calls, rounds, warm_up=0)
    return [
        {"task": "fit", "method": name, **asdict(setting), "rounds": rounds,
         "median_s": timing.median, "low_s": timing.low, "high_s": timing.high,
         "ratio": timing.median / timings["s2m"].median,
         "log_likelihood": float(likelihood[name].mean()),
         "sets_below_s2m": int((likelihood[name] < likelihood["s2m"] - GAIN).sum()),
         "sets_above_s2m": int((likelihood[name] > likelihood["s2m"] + GAIN).sum()),
         "next_step_gains": gains[name]}
        for name, timing in timings.items()
    ]  # fmt: skip
