"""The other gradients of a fit: each is right where its theory says so, and wrong where it says so."""

import pytest
import torch
from problems import clusters, random_generator
from torch import Tensor

from s2m import S2MError, VariancePrior, fit_mixture
from s2m.models.study import Gradient

SOFT = torch.stack([clusters(seed, count=30, size=6, components=2, distance=0.7, scale=1.0) for seed in (0, 2, 4)])
FAINT, STRONG = VariancePrior(1e-6, 1e-3), VariancePrior(2.0, 0.5)


def gradient_of(gradient: Gradient, prior: VariancePrior) -> Tensor:
    """Of the mean log density of fixed queries, in the examples."""
    x = SOFT.clone().requires_grad_()
    queries = torch.randn(3, 9, 6, generator=random_generator(1), dtype=torch.float64)
    density = fit_mixture(x, 2, prior=prior, gradient=gradient, tolerance=1e-13)
    return torch.autograd.grad(density.log_prob(queries).mean(), x)[0]


def error(gradient: Gradient, prior: VariancePrior) -> float:
    exact = gradient_of("exact", prior)
    return float((gradient_of(gradient, prior) - exact).norm() / exact.norm())


def test_the_sets_have_soft_responsibilities() -> None:
    sure = fit_mixture(SOFT, 2, prior=STRONG).responsibilities(SOFT).amax(-1)
    assert (sure < 0.9).any(1).all(), "with hard responsibilities every gradient would be the same"


@pytest.mark.parametrize("prior", [FAINT, STRONG])
def test_conjugate_gradients_solve_the_same_system(prior: VariancePrior) -> None:
    assert error("conjugate", prior) < 1e-8  # it stops at a relative residual of 1e-10


def test_the_published_system_is_right_without_a_prior() -> None:
    assert error("published", FAINT) < 1e-4  # its ridge of 1e-5 is what remains


def test_the_published_system_is_wrong_with_a_prior() -> None:
    assert error("published", STRONG) > 0.01


def test_one_step_forgets_the_responsibilities() -> None:
    assert error("one-step", STRONG) > 0.01


def test_unrolling_tends_to_the_exact_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    errors = []
    for steps in (5, 50, 500):
        monkeypatch.setattr("s2m.models.study.UNROLLED", steps)
        errors.append(error("unrolled", STRONG))
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < 1e-4  # EM converges linearly; 500 steps leave 7e-6 of it here


@pytest.mark.parametrize("components", [1, 2])
def test_an_unknown_gradient_is_an_error(components: int) -> None:
    with pytest.raises(S2MError, match="no gradient 'exat': give one of exact"):
        fit_mixture(SOFT, components, gradient="exat")
