"""The gradient through a fit, against gradcheck and against finite differences of the fit itself."""

import pytest
import torch
from differences import check, random_problem
from problems import clusters, random_generator
from torch import Tensor

from s2m import Mixture, VariancePrior, fit_gaussian, fit_mixture

NAN = float("nan")


@pytest.mark.parametrize("seed", range(100))
def test_against_finite_differences_of_the_fit(seed: int) -> None:
    """The first of the thousand problems of bench/differences.py, whose step leaves an error below 1e-6."""
    errors = {name: value for name, value in check(seed).items() if name.startswith("error_")}
    assert len(errors) == 4
    assert max(errors.values()) < 1e-6, errors  # type: ignore[type-var]


def test_the_problems_are_of_every_kind() -> None:
    """Hard and soft responsibilities, one to four components, more examples than parameters and fewer."""
    kinds, sizes = set(), set()
    for seed in range(100):
        problem = random_problem(seed)
        _, count, size = problem.x.shape
        sizes.add((problem.components, count * (problem.components - 1) <= problem.components * (1 + 2 * size)))
        if seed < 30:
            r = fit_mixture(problem.x, problem.components, problem.w).responsibilities(problem.x)
            least = r.amax(-1).min().item()
            kinds.add("soft" if least < 0.99 else "hard" if least > 1 - 1e-12 else "between")
    assert kinds == {"soft", "between", "hard"}
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
