"""The gradient through a fit, against gradcheck and against finite differences of the fit itself."""

from dataclasses import dataclass

import pytest
import torch
from problems import clusters, random_generator
from torch import Tensor

from s2m import Mixture, VariancePrior, fit_gaussian, fit_mixture

NAN = float("nan")
STENCIL = torch.tensor([-2.0, -1.0, 1.0, 2.0], dtype=torch.float64)


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
        # To rounding: what a fit stops short of would be noise in a difference of fits.
        return fit_mixture(x, self.components, w, VariancePrior(*prior), start=start, tolerance=1e-13, max_steps=5000)

    def loss(self, density: Mixture) -> Tensor:
        """(B,): the mean log density of the queries, plus a linear function of every parameter."""
        weights, means, variances = self.cotangents
        linear = (density.means * means + density.variances * variances).sum(2)
        linear = torch.where(density.weights > 0, linear, 0.0)  # an empty component has no place that could move
        return density.log_prob(self.queries).mean(1) + (density.weights * weights + linear).sum(1)


def random_problem(seed: int) -> Problem:
    generator = random_generator(seed)

    def whole(low: int, high: int) -> int:
        return int(torch.randint(low, high + 1, (), generator=generator))

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    count, size, k = whole(2, 60), whole(2, 40), whole(1, 4)
    distance = (0.5, 2.0, 6.0, 30.0)[seed % 4]  # from overlapping clusters to hard responsibilities
    x = clusters(seed, count, size, k, distance, scale=0.3)
    w = torch.rand(1, count, generator=generator, dtype=torch.float64) + 0.5
    prior = torch.tensor([1.0, 0.05]).double() * (1 + torch.rand(2, generator=generator, dtype=torch.float64))
    queries = x[:7] + 0.3 * normal(min(count, 7), size)
    return Problem(x.unsqueeze(0), w, prior, k, queries, (normal(k), normal(k, size), normal(k, size)))


def repeated(density: Mixture, times: int) -> Mixture:
    """One set's mixture as the start of several."""
    values = (density.weights, density.means, density.variances)
    return Mixture(*(v.detach().expand(times, *v.shape[1:]) for v in values))


def difference(losses: Tensor, step: float) -> Tensor:
    """The derivative from losses (4,) at steps `STENCIL`, with an error of order step^4."""
    return (losses[0] - 8 * losses[1] + 8 * losses[2] - losses[3]) / (12 * step)


@pytest.mark.parametrize("seed", range(100))
def test_against_finite_differences_of_the_fit(seed: int) -> None:
    """In the examples, along a random direction and along the gradient; in the weights; in the prior.

    A step of 2e-4 leaves rounding of some 1e-16 / 2e-4 and the stencil's own error of about (2e-4)^4 / 0.01^4, times
    what the fit makes of them where components overlap: together below 1e-6.
    """
    problem, step = random_problem(seed), 2e-4
    inputs = [v.clone().requires_grad_() for v in (problem.x, problem.w, problem.prior)]
    density = problem.fit(*inputs)
    of_x, of_w, of_prior = torch.autograd.grad(problem.loss(density).sum(), inputs)

    direction = torch.randn(of_x.shape, generator=random_generator(seed), dtype=torch.float64)
    direction = direction / direction.norm()
    steepest = of_x / of_x.norm()
    relative = problem.w * torch.randn(of_w.shape, generator=random_generator(-seed), dtype=torch.float64)
    still = torch.zeros(4, 1, 1, dtype=torch.float64)
    along = step * STENCIL[:, None, None]
    x = problem.x + torch.cat([along * direction, along * steepest, still * steepest])
    w = problem.w + torch.cat([still[:, 0], still[:, 0], step * STENCIL[:, None]]) * relative
    losses = problem.loss(problem.fit(x, w, problem.prior, repeated(density, 12)))

    typical = of_x.norm() / of_x.numel() ** 0.5  # of the derivative along a random direction of length 1
    expected = (of_x * direction).sum()
    assert (difference(losses[:4], step) - expected).abs() < 1e-6 * torch.maximum(typical, expected.abs())
    assert (difference(losses[4:8], step) - of_x.norm()).abs() < 1e-6 * of_x.norm()
    assert (difference(losses[8:], step) - (of_w * relative).sum()).abs() < 1e-6 * (of_w * relative).norm()
    if seed % 5 == 0:  # every fifth problem, since a prior holds for the whole batch and so takes a fit a step
        for index, value in enumerate(problem.prior):
            priors = problem.prior.repeat(4, 1)
            priors[:, index] *= 1 + step * STENCIL
            fits = [problem.fit(problem.x, problem.w, prior, repeated(density, 1)) for prior in priors]
            found = difference(torch.cat([problem.loss(fit) for fit in fits]), step)
            assert (found - of_prior[index] * value).abs() < 1e-6 * (of_prior[index] * value).abs()


def test_the_problems_are_of_every_kind() -> None:
    """Hard and soft responsibilities, one to four components, more examples than parameters and fewer."""
    kinds, sizes = set(), set()
    for seed in range(100):
        problem = random_problem(seed)
        _, count, size = problem.x.shape
        sizes.add((problem.components, count * (problem.components - 1) <= problem.components * (1 + 2 * size)))
        if seed in (3, 4, 7, 12, 19, 20):
            r = fit_mixture(problem.x, problem.components, problem.w).responsibilities(problem.x)
            least = r.amax(-1).min().item()
            kinds.add("soft" if least < 0.99 else "hard" if least > 1 - 1e-12 else "between")
    assert kinds >= {"soft", "hard"}
    assert sizes >= {(k, few) for k in (2, 3, 4) for few in (True, False)}


@pytest.mark.parametrize(("components", "distance"), [(3, 1.5), (2, 40.0)])
def test_gradcheck(components: int, distance: float) -> None:
    x = clusters(0, 9, 2, components, distance).unsqueeze(0).requires_grad_()
    w = (torch.rand(1, 9, generator=random_generator(1), dtype=torch.float64) + 0.5).requires_grad_()
    prior = torch.tensor([1.0, 0.01], dtype=torch.float64, requires_grad=True)
    start = fit_mixture(x, components, w, VariancePrior(*prior))

    def fit(x: Tensor, w: Tensor, prior: Tensor) -> tuple[Tensor, ...]:
        density = fit_mixture(x, components, w, VariancePrior(*prior), start=start, tolerance=1e-13)
        return density.weights, density.means, density.variances

    # Central differences with a step of 1e-6 see rounding of 1e-16 / 1e-6, times the conditioning of the fit; variances
    # move by (1e-6)^2 / 0.01 of the prior's strength and variance beside.
    assert torch.autograd.gradcheck(fit, (x, w, prior), atol=1e-6, rtol=1e-5)


def gradient(x: Tensor, components: int, queries: Tensor, weights: Tensor | None = None, **options: object) -> Tensor:
    x = x.clone().requires_grad_()
    density = fit_mixture(x, components, weights, **options)  # type: ignore[arg-type]
    return torch.autograd.grad(density.log_prob(queries).sum(), x)[0]


def test_hard_responsibilities_are_separate_gaussians() -> None:
    near, far = clusters(1, 9, 4, 1, 0.0), clusters(2, 6, 4, 1, 0.0) + 50
    together = torch.cat([near, far])
    density = fit_mixture(together, 2)
    assert (density.responsibilities(together).amax(-1) == 1).all()
    found = gradient(together, 2, near[:3] + 0.1)[:9]
    alone = near.clone().requires_grad_()
    expected = torch.autograd.grad(fit_gaussian(alone).log_prob(near[:3] + 0.1).sum(), alone)[0]
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10)  # rounding


def test_padding_has_no_gradient_and_changes_none() -> None:
    x, queries = clusters(3, 10, 3, 2, 2.0), clusters(4, 5, 3, 1, 0.0)
    padded = torch.cat([x, torch.full((4, 3), NAN)])
    found = gradient(padded, 2, queries, torch.cat([torch.ones(10), torch.zeros(4)]))
    assert (found[10:] == 0).all()
    # Rounding times the conditioning of the fit.
    torch.testing.assert_close(found[:10], gradient(x, 2, queries), rtol=1e-7, atol=1e-9)


def test_a_batch_of_unequal_sets_is_each_set_alone() -> None:
    sets = [clusters(seed, count, 3, 2, 3.0) for seed, count in enumerate([4, 9, 30])]
    queries = clusters(9, 5, 3, 1, 0.0)
    batch = torch.full((3, 30, 3), NAN, dtype=torch.float64)
    for row, x in zip(batch, sets, strict=True):
        row[: len(x)] = x
    starts = [fit_mixture(x, 2) for x in sets]
    start = Mixture(*(torch.cat([getattr(s, name) for s in starts]) for name in ("weights", "means", "variances")))
    found = gradient(batch, 2, queries, ~batch.isnan().any(-1), start=start)
    for row, x, own in zip(found, sets, starts, strict=True):
        expected = gradient(x, 2, queries, start=own)
        torch.testing.assert_close(row[: len(x)], expected, rtol=1e-7, atol=1e-9)  # rounding, conditioning


def test_surplus_components_change_no_gradient() -> None:
    """Two places, four components: two of them stay empty."""
    x, queries = torch.tensor([[0.0], [0.0], [9.0]]).double(), torch.tensor([[0.1], [9.1]]).double()
    torch.testing.assert_close(gradient(x, 4, queries), gradient(x, 2, queries), rtol=1e-12, atol=1e-12)  # rounding


def test_float32_in_float32_out() -> None:
    x, queries = clusters(3, 10, 3, 2, 2.0), clusters(4, 5, 3, 1, 0.0)
    narrow = gradient(x.float(), 2, queries.float())
    assert narrow.dtype == torch.float32
    expected = gradient(x.float().double(), 2, queries.float().double())
    # Only what goes in and out is rounded to float32: 6e-8, some of it summed over the five queries.
    torch.testing.assert_close(narrow.double(), expected, rtol=0, atol=1e-6 * expected.abs().max().item())


def test_a_second_derivative_is_refused_rather_than_wrong() -> None:
    x = clusters(3, 10, 3, 2, 2.0).requires_grad_()
    first = torch.autograd.grad(fit_mixture(x, 2).means.square().sum(), x, create_graph=True)[0]
    with pytest.raises(RuntimeError, match="once_differentiable"):
        first.sum().backward()
