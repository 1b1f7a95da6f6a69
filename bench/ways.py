"""The ways to the gradient of a mixture fit, all on one problem and from one start."""

from __future__ import annotations

import time

import torch
from others import fit_with_torchopt, installed
from settings import Setting, problem
from torch import Tensor

from s2m.models import Mixture, VariancePrior, fit_mixture, study
from s2m.models.curvature import Point
from s2m.models.prior import natural_parameters
from s2m.models.start import best_start
from s2m.models.steps import Step

METHODS = ("exact", "exact, own start", "conjugate", "one-step", "unrolled 20", "unrolled 100", "published", "torchopt")
PRIOR = VariancePrior(100.0, 1.5)  # strong enough that some responsibilities are soft, so that gradients differ
DENSE_UP_TO = 1100  # parameters a set beyond which the dense system is left out: its time grows with their cube


def methods_for(setting: Setting) -> tuple[str, ...]:
    """The methods that can be measured: the dense system where it is small, torchopt where it is installed."""
    dense = setting.components * (1 + 2 * setting.size) <= DENSE_UP_TO
    possible = {"published": dense, "torchopt": installed("torchopt")}
    return tuple(method for method in METHODS if possible.get(method, True))


class Gradients:
    """One problem, and every way to its gradient; `backward` keeps the seconds that each way back took."""

    def __init__(self, setting: Setting) -> None:
        self.x, _ = problem(setting)
        self.k = setting.components
        step, generator = self.step(self.x), torch.Generator().manual_seed(0)
        self.begin = best_start(step, self.k, generator, 4)
        self.start = Mixture(self.begin.weights, self.begin.means, self.begin.variances)
        self.upstream = [torch.randn(part.shape, generator=generator).double() for part in vars(self.begin).values()]
        self.backward: dict[str, list[float]] = {method: [] for method in METHODS}

    def step(self, x: Tensor) -> Step:
        return Step(x, torch.ones(x.shape[:2], dtype=torch.float64), *natural_parameters(PRIOR, "cpu"))

    def forward(self, method: str, x: Tensor) -> Point | Mixture:
        """The fitted parameters, ready to be differentiated; unrolling needs no fit, so it has none."""
        if method == "torchopt":
            return fit_with_torchopt(x, PRIOR, self.start)
        name, _, steps = method.partition(" ")
        if name == "unrolled":
            study.UNROLLED = int(steps)
            return study.attach("unrolled", self.step(x), self.begin, self.begin, x.new_empty(0))
        if method == "exact, own start":
            return fit_mixture(x, self.k, prior=PRIOR)
        return fit_mixture(x, self.k, prior=PRIOR, start=self.start, gradient=name)

    def __call__(self, method: str) -> Tensor:
        """dL/dx for a fixed dL/d(parameters)."""
        leaf = self.x.clone().requires_grad_()
        fitted = self.forward(method, leaf)
        began = time.perf_counter()
        torch.autograd.backward([fitted.weights, fitted.means, fitted.variances], self.upstream)
        self.backward[method].append(time.perf_counter() - began)
        return leaf.grad
