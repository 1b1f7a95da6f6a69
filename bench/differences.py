"""The gradient of a mixture fit against finite differences of the re-fit, on 1000 random problems.

    python bench/differences.py [--count 1000]      (minutes; writes results/tables/gradient_differences.csv)

A fit is a function of the examples, their weights and the prior. Its derivative along a direction is asked of the
gradient, and of fits to inputs moved along that direction, four of them: the error of that stencil is of order step^4.
The better of two steps counts: a wrong gradient is wrong at both. The first problems are a test.
"""

from __future__ import annotations

import argparse
import warnings
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor

from s2m.errors import ConvergenceWarning
from s2m.models import Mixture, VariancePrior, fit_mixture
from s2m.storage import write_bytes

TABLE = Path(__file__).parent.parent / "results" / "tables" / "gradient_differences.csv"
INPUTS = ("examples", "weights", "strength", "variance")
STENCIL = torch.tensor([-2.0, -1.0, 1.0, 2.0], dtype=torch.float64)
STEPS = (2e-4, 2e-5)  # the long one sees the bend of a fit that is about to jump, the short one more rounding
DISTANCES = (0.5, 2.0, 6.0, 30.0)  # of clusters from their middle, in standard deviations: overlapping to far apart


@dataclass
class Problem:
    """One set with everything its fit depends on, and what makes the fit a scalar."""

    x: Tensor  # (1, N, n)
    w: Tensor  # (1, N)
    prior: Tensor  # strength and variance
    components: int
    queries: Tensor  # (M, n)
    cotangents: tuple[Tensor, Tensor, Tensor]  # of weights, means and variances

    def fit(self, x: Tensor, w: Tensor, prior: Tensor, start: Mixture | None = None) -> Mixture:
        """To rounding: what a fit stops short of would be noise in a difference of fits."""
        return fit_mixture(x, self.components, w, VariancePrior(*prior), start=start, tolerance=1e-13, max_steps=5000)

    def loss(self, density: Mixture) -> Tensor:
        """(B,): the mean log density of the queries, plus a linear function of every parameter."""
        weights, means, variances = self.cotangents
        linear = (density.means * means + density.variances * variances).sum(2)
        linear = torch.where(density.weights > 0, linear, 0.0)  # an empty component has no place that could move
        return density.log_prob(self.queries).mean(1) + (density.weights * weights + linear).sum(1)


def random_problem(seed: int) -> Problem:
    """2 to 100 examples of 2 to 256 dimensions, 1 to 4 components; sizes are drawn evenly on a logarithmic scale."""
    generator = torch.Generator().manual_seed(seed)

    def size_between(low: int, high: int) -> int:
        exponent = torch.rand((), generator=generator, dtype=torch.float64)
        return int(low * ((high + 1) / low) ** exponent)

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    def uniform(*shape: int) -> Tensor:
        return torch.rand(shape, generator=generator, dtype=torch.float64)

    count, size, k = size_between(2, 100), size_between(2, 256), int(torch.randint(1, 5, (), generator=generator))
    centres = DISTANCES[seed % 4] / size**0.5 * normal(k, size)
    x = 0.3 * (centres[torch.arange(count) % k] + normal(count, size))
    prior = torch.stack([10 ** (2 * uniform()), 0.05 + 0.05 * uniform()])  # the stronger, the softer
    queries = x[:7] + 0.3 * normal(min(count, 7), size)
    cotangents = normal(k), normal(k, size), normal(k, size)
    return Problem(x.unsqueeze(0), uniform(1, count) + 0.5, prior, k, queries, cotangents)


def repeated(density: Mixture, times: int) -> Mixture:
    """One set's mixture as the start of several."""
    values = (density.weights, density.means, density.variances)
    return Mixture(*(v.detach().expand(times, *v.shape[1:]) for v in values))


def difference(losses: Tensor, step: float) -> Tensor:
    """The derivative from losses (4,) at the steps of the stencil."""
    return (losses[0] - 8 * losses[1] + 8 * losses[2] - losses[3]) / (12 * step)


def check(seed: int) -> dict[str, object]:
    """Relative errors of the derivatives of one problem: in the examples, in their weights and in the prior."""
    problem = random_problem(seed)
    generator = torch.Generator().manual_seed(seed)
    inputs = [v.clone().requires_grad_() for v in (problem.x, problem.w, problem.prior)]
    density = problem.fit(*inputs)
    of_x, of_w, of_prior = torch.autograd.grad(problem.loss(density).sum(), inputs)
    # Half along the gradient, half along a random direction: a wrong gradient is seen by either.
    direction = torch.randn(of_x.shape, generator=generator, dtype=torch.float64)
    direction = direction / direction.norm() + of_x / of_x.norm()
    relative = problem.w * torch.randn(of_w.shape, generator=generator, dtype=torch.float64)

    scaled = of_prior * problem.prior

    def errors(step: float) -> Tensor:
        along, still = step * STENCIL, torch.zeros(4, dtype=torch.float64)
        x = problem.x + torch.cat([along, still])[:, None, None] * direction
        w = problem.w + torch.cat([still, along])[:, None] * relative
        losses = problem.loss(problem.fit(x, w, problem.prior, repeated(density, 8)))
        found = [
            (difference(losses[:4], step) - (of_x * direction).sum()) / of_x.norm(),
            (difference(losses[4:], step) - (of_w * relative).sum()) / (of_w * relative).norm(),
        ]
        for index in (0, 1):  # a prior holds for a whole batch: one fit a step
            moved = problem.prior.repeat(4, 1)
            moved[:, index] *= 1 + along
            fits = [problem.fit(problem.x, problem.w, prior, repeated(density, 1)) for prior in moved]
            losses = torch.cat([problem.loss(fit) for fit in fits])
            found.append((difference(losses, step) - scaled[index]) / scaled.norm())
        return torch.stack(found).detach().abs()

    best = torch.stack([errors(step) for step in STEPS]).amin(0).tolist()
    least = density.responsibilities(problem.x).amax(-1).min()
    shape = {"examples": problem.x.shape[1], "size": problem.x.shape[2], "components": problem.components}
    return {"seed": seed, **shape, "least_sure": float(least.detach()),
            **{f"error_{name}": error for name, error in zip(INPUTS, best)}}  # fmt: skip


def main() -> None:
    """Check problem after problem and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=1000)
    rows = []
    for seed in range(parser.parse_args().count):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", ConvergenceWarning)
            rows.append({**check(seed), "warned": len(caught)})
    table = pd.DataFrame(rows)
    write_bytes(TABLE, table.to_csv(index=False, float_format="%.2g").encode())
    worst = table.filter(like="error_").max(axis=1)
    print(f"{(worst < 1e-6).sum()} of {len(table)} problems below 1e-6; the worst is {worst.max():.1e}")


if __name__ == "__main__":
    main()
