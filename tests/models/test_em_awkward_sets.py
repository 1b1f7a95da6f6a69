"""Mixtures are finite for every set, or the error names the set that has none."""

import pytest
import torch
from hypothesis import given, settings
from problems import Case, assert_same, cases, clusters, random_generator
from torch import Tensor
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from s2m import Mixture, S2MError, fit_mixture
from s2m.errors import ConvergenceWarning


def finite(density: Mixture, *inputs: Tensor) -> None:
    assert all(torch.isfinite(v).all() for v in (density.weights, density.means, density.variances))
    assert (density.variances > 0).all()
    torch.testing.assert_close(density.weights.sum(1), torch.ones(len(density.weights)).to(density.weights))
    loss = density.log_prob(inputs[0].detach() + 0.1).sum() + density.weights[:, 0].sum() + density.means.square().sum()
    for gradient in torch.autograd.grad(loss, inputs):
        assert torch.isfinite(gradient).all()


@pytest.mark.filterwarnings("ignore::s2m.errors.ConvergenceWarning")  # some of them stop at a saddle, and say so
@settings(max_examples=25)
@given(cases())
def test_every_set_has_a_finite_model_and_finite_gradients(case: Case) -> None:
    x, w = case.x.clone().requires_grad_(), case.w.clone().requires_grad_()
    finite(fit_mixture(x, case.components, w, max_steps=5000), x, w)


@pytest.mark.parametrize("components", [2, 3, 4])
@pytest.mark.parametrize(
    "x",
    [
        torch.full((1, 3), 0.5),
        torch.full((5, 3), 0.5),
        torch.tensor([[0.0, 1.0], [5.0, 1.0]]),
        torch.tensor([[0.0, 1.0], [0.0, 1.0], [5.0, 1.0], [5.0, 1.0], [5.0, 1.0]]),
        torch.tensor([[0.0], [100.0], [200.0], [300.0], [400.0]]),
    ],
    ids=["one example", "duplicates", "N < k, one dimension constant", "two places", "hard responsibilities"],
)
def test_awkward_sets(x: Tensor, components: int) -> None:
    x = x.double().requires_grad_()
    finite(fit_mixture(x, components), x)


@pytest.mark.parametrize("apart", [0.0, 1e-15, 1e-12, 1e-9, 1e-6, 1e-4, 1e-2, 0.1, 0.2, 1.0])
@pytest.mark.parametrize("components", [2, 3])
def test_two_examples_however_near(apart: float, components: int) -> None:
    """Nothing in such a set tells one component from the other, so EM stops half-way between: at a saddle, unless the
    examples are the same or far apart."""
    x = torch.zeros(2, 3, dtype=torch.float64)
    x[1, 0] = apart
    x.requires_grad_()
    if 0 < apart < 0.2:
        with pytest.warns(ConvergenceWarning, match="set 0 of 1 stopped at a saddle"):
            finite(fit_mixture(x, components), x)
    else:
        finite(fit_mixture(x, components), x)


def test_duplicates_leave_the_surplus_components_empty() -> None:
    density = fit_mixture(torch.tensor([[0.0], [0.0], [9.0]]), 4)
    assert sorted(density.weights[0].tolist()) == pytest.approx([0, 0, 1 / 3, 2 / 3], abs=1e-7)  # float32
    assert (density.weights[0] == 0).sum() == 2


def test_the_type_of_the_caller() -> None:
    x = clusters(0, 12, 3, 2, 4.0).float().requires_grad_()
    density = fit_mixture(x, 2)
    assert {density.weights.dtype, density.means.dtype, density.variances.dtype} == {torch.float32}
    assert_same(density, fit_mixture(x.double(), 2).to(torch.float32), 0)  # everything inside is float64 all the same
    density.log_prob(x).sum().backward()
    assert x.grad is not None
    assert x.grad.dtype == torch.float32


@pytest.mark.parametrize("components", [0, -1])
def test_no_components_is_an_error(components: int) -> None:
    with pytest.raises(S2MError, match=f"components is {components}: a mixture needs at least one"):
        fit_mixture(torch.ones(3, 2), components)


def test_maximum_likelihood_of_a_vanishing_variance_is_an_error() -> None:
    x = torch.tensor([[0.0, 0.0], [0.1, 0.0], [9.0, 1.0], [9.1, 3.0]]).double()
    with pytest.raises(S2MError, match=r"set 0, component \d has zero variance in dimension 1; give a prior"):
        fit_mixture(x, 2, prior=None)


def test_a_start_that_collapses_is_passed_over() -> None:
    """A lone outlier that a seed falls on is a component of one example, of no variance; not every seed falls on it."""
    x = torch.tensor([0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.8]).double().unsqueeze(1)
    collapsed = 0
    for seed in range(4):
        try:
            fit_mixture(x, 2, prior=None, restarts=1, generator=random_generator(seed), tolerance=1e-6)
        except S2MError:
            collapsed += 1
    assert 0 < collapsed < 4
    assert torch.isfinite(fit_mixture(x, 2, prior=None, restarts=12, tolerance=1e-6).means).all()


def test_a_component_that_collapses_on_the_way_is_an_error_that_names_the_set() -> None:
    """EM narrows a component around two equal examples until nothing is left of its variance."""
    fine = clusters(0, 6, 1, 2, 20.0)
    narrow = torch.tensor([[0.0], [0.0], [1.0], [1.5], [2.5], [3.0]]).double()
    start = Mixture(
        torch.tensor([[0.5, 0.5]] * 2).double(),
        torch.stack([fine[:2], torch.tensor([[0.0], [2.0]]).double()]),
        torch.tensor([[[0.1], [0.1]], [[0.01], [1.0]]]).double(),
    )
    with pytest.raises(S2MError, match="set 1, component 0 has zero variance in dimension 0"):
        fit_mixture(torch.stack([fine, narrow]), 2, prior=None, start=start)


@pytest.mark.parametrize("apart", [0.0, 1e-12, 1e-10, 1e-9, 1e-8, 1e-7])
def test_a_variance_at_the_level_of_rounding_has_vanished(apart: float) -> None:
    """Examples nearer than 1e-7 of the spread: squares of distances to them would be wrong by more than a variance."""
    for offset in (0.0, 0.3, 1000.0):
        x = torch.tensor([0.0, apart, 2 * apart, 1.0, 1.5, 2.5, 3.0]).double().unsqueeze(1) + offset
        with pytest.raises(S2MError, match="has zero variance in dimension 0; give a prior"):
            fit_mixture(x, 2, prior=None)


@pytest.mark.parametrize("apart", [1e-6, 1e-4, 1e-2])
def test_a_narrow_component_is_still_told_rightly(apart: float) -> None:
    x = torch.tensor([0.0, apart, 2 * apart, 1.0, 1.5, 2.5, 3.0]).double().unsqueeze(1)
    density = fit_mixture(x, 2, prior=None)
    exact = Independent(Normal(density.means, density.variances.sqrt()), 1)
    expected = MixtureSameFamily(Categorical(density.weights), exact).log_prob(x.unsqueeze(1)).sum().item()
    # The square is expanded: 1e-16 (spread / deviation)^2 is what that costs an example.
    assert density.log_prob(x).sum().item() == pytest.approx(expected, abs=1e-14 / apart**2 + 1e-9)
