"""Mixtures: the fit is a maximum, honest about it, invariant, and finite for every set."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from problems import Case, assert_same, cases, clusters, objective, one_set, random_generator
from sklearn.mixture import GaussianMixture
from torch import Tensor
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from s2m import Mixture, S2MError, VariancePrior, fit_gaussian, fit_mixture
from s2m.errors import ConvergenceWarning

NAN = float("nan")
PRIOR = VariancePrior(1.0, 0.01)
# The same steps in another order of additions differ by rounding, which a fit carries along: the nearer two components
# are, the further. 1e-7 is a thousand times the tolerance of the fits.
CARRIED = 1e-7


def spread_start(case: Case) -> Mixture:
    """A start that depends on the set, not on the order of its examples."""
    k, size = case.components, case.x.shape[1]
    low, high = case.x.amin(0), case.x.amax(0)
    place = (torch.arange(k, dtype=torch.float64).unsqueeze(1) + 1) / (k + 1)
    means = low + place * (high - low)
    variances = (case.x.var(0, correction=0) + 0.01).expand(k, size)
    weights = torch.arange(1.0, k + 1, dtype=torch.float64)  # unequal: no symmetry for rounding to break
    return Mixture((weights / weights.sum()).unsqueeze(0), means.unsqueeze(0), variances.unsqueeze(0))


# How it went ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("distance", "prior"), [(0.0, PRIOR), (1.0, PRIOR), (4.0, PRIOR), (4.0, None)])
def test_the_objective_never_falls(distance: float, prior: VariancePrior | None) -> None:
    x = torch.stack([clusters(seed, 40, 3, 3, distance, scale=0.5) for seed in range(12)])
    record = fit_mixture(x, 3, prior=prior, max_steps=3000).record
    assert record is not None
    trace = record.objective
    assert len(trace) > 5
    assert (trace[1:] - trace[:-1] >= -1e-12 * trace.abs().max()).all()  # rounding of the sum


def test_nor_does_it_fall_where_a_component_runs_empty() -> None:
    x = torch.stack([clusters(seed, 12, 3, 1, 0.0, scale=0.05) for seed in range(10)])
    density = fit_mixture(x, 3, max_steps=3000)
    assert ((density.weights == 0).any(1)).any()
    assert density.record is not None
    trace = density.record.objective
    # Dropping a component of 1e-10 examples moves J by about as much.
    assert (trace[1:] - trace[:-1] >= -1e-8).all()


def test_the_objective_is_the_posterior_of_the_answer() -> None:
    """Both as sum over examples plus the prior, which is told relative to its greatest value."""
    x, w = clusters(0, 20, 3, 2, 2.0), torch.rand(20, generator=random_generator(0)).double()
    density = fit_mixture(x, 2, w, PRIOR)
    alpha, beta = (value.item() for value in PRIOR.natural("cpu"))
    plain = objective(x, w, density.weights[0].log(), density.means[0], density.variances[0].log(), alpha, beta)
    greatest = 2 * 3 * alpha * (1 + np.log(beta / alpha))
    assert density.record is not None
    assert density.record.objective[-1].item() == pytest.approx((plain + greatest).item(), rel=1e-12)  # rounding


@pytest.mark.parametrize("seed", range(5))
def test_converged_means_that_the_gradient_is_zero(seed: int) -> None:
    """In units of a step, as the residual is told: an EM step moves a mean by sigma^2 / N_k times the gradient."""
    x, w = clusters(seed, 30, 4, 3, 1.5), torch.rand(30, generator=random_generator(seed)).double() + 0.1
    density = fit_mixture(x, 3, w, PRIOR, tolerance=1e-10)
    assert density.record is not None
    assert density.record.converged.all()
    assert (density.record.residual < 1e-10).all()
    rows = [v[0].clone().requires_grad_() for v in (density.weights.log(), density.means, density.variances.log())]
    alpha, beta = (value.item() for value in PRIOR.natural("cpu"))
    a, means, s = torch.autograd.grad(objective(x, w, *rows, alpha, beta), rows)
    count = (density.responsibilities(x)[0] * w.unsqueeze(1)).sum(0)
    # The tolerance of the fit, with a factor for the largest of several steps and the rounding of sums of 30 terms.
    assert (means * density.variances[0].sqrt() / count.unsqueeze(1)).abs().max() < 3e-10
    assert (s / (count / 2 + alpha).unsqueeze(1)).abs().max() < 6e-10
    assert (a / w.sum()).abs().max() < 3e-10


@pytest.mark.parametrize("steps", [1, 1000])
def test_the_residual_is_the_move_that_em_would_still_make(steps: int) -> None:
    """Told by one EM step written out in numpy, for a fit that was stopped and for one that arrived."""
    x = clusters(7, 40, 2, 2, 1.0)
    if steps < 10:
        with pytest.warns(ConvergenceWarning):
            density = fit_mixture(x, 2, max_steps=steps)
    else:
        density = fit_mixture(x, 2, max_steps=steps, tolerance=1e-6)
    pi, means, variances = (v[0].numpy() for v in (density.weights, density.means, density.variances))
    square = (x.numpy()[:, None] - means) ** 2 / variances
    joint = pi * np.exp(-0.5 * square.sum(2)) / np.sqrt(variances.prod(1))
    r = joint / joint.sum(1, keepdims=True)
    count = r.sum(0)
    new_means = r.T @ x.numpy() / count[:, None]
    scatter = np.stack([r[:, m] @ (x.numpy() - new_means[m]) ** 2 for m in range(2)])
    new_variances = (scatter + 0.01) / (count[:, None] + 1)
    moves = [
        np.abs(new_means - means) / np.sqrt(new_variances),
        np.abs(np.log(new_variances / variances)) / 2,
        np.abs(count / 40 - pi),
    ]
    expected = max(move.max() for move in moves)
    assert density.record is not None
    assert density.record.residual.item() == pytest.approx(expected, rel=1e-6, abs=1e-14)  # rounding of the moves


def test_stopping_early_is_told_and_names_the_set() -> None:
    easy, hard = clusters(0, 30, 2, 2, 30.0), clusters(7, 30, 2, 2, 0.5)
    with pytest.warns(ConvergenceWarning, match=r"^set 1 of 2 stopped .* after 2 steps: .*raise max_steps"):
        density = fit_mixture(torch.stack([easy, hard]), 2, max_steps=2)
    assert density.record is not None
    assert density.record.converged.tolist() == [True, False]
    assert density.record.iterations[1] == 2


# How good -------------------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # it is asked for more than it can reach
@pytest.mark.parametrize("components", [2, 3, 4])
def test_no_worse_than_scikit_learn_from_the_same_start(components: int) -> None:
    for seed in range(3):
        x = clusters(seed, 40, 5, components, 6.0)
        first = clusters(seed, components, 5, components, 6.0)  # one example of every cluster
        theirs = GaussianMixture(
            components, covariance_type="diag", reg_covar=1e-12, tol=1e-12, max_iter=2000,
            weights_init=np.full(components, 1 / components), means_init=first.numpy(),
            precisions_init=np.full((components, 5), 1 / x.var().item()),
        ).fit(x.numpy())  # fmt: skip
        start = Mixture(
            torch.full((1, components), 1 / components), first.unsqueeze(0), x.var().expand(1, components, 5)
        )
        ours = fit_mixture(x, components, prior=None, start=start)
        again = fit_mixture(x, components, prior=None)
        likelihood = theirs.score(x.numpy())
        # Both arrive at the same maximum; theirs stops 1e-12 a step short of it and floors variances by 1e-12 / 1e-3.
        assert ours.log_prob(x).mean().item() == pytest.approx(likelihood, abs=1e-8)
        assert again.log_prob(x).mean().item() >= likelihood - 1e-8  # k-means++ finds clear clusters by itself


def test_one_component_is_the_gaussian() -> None:
    x = clusters(0, 9, 3, 1, 0.0)
    assert_same(fit_mixture(x, 1), fit_gaussian(x), 0)


def test_a_warm_start_is_kept_and_saves_steps() -> None:
    x = clusters(1, 60, 4, 3, 1.5)
    cold = fit_mixture(x, 3)
    warm = fit_mixture(x + 1e-4, 3, start=cold)
    assert cold.record is not None
    assert warm.record is not None
    assert warm.record.iterations < cold.record.iterations
    assert_same(warm, Mixture(cold.weights, cold.means + 1e-4, cold.variances), 1e-8)  # residual times conditioning
    turned = Mixture(cold.weights.flip(1), cold.means.flip(1), cold.variances.flip(1))
    assert_same(fit_mixture(x, 3, start=turned), turned, 1e-8)


def test_a_start_of_another_shape_is_an_error() -> None:
    x = clusters(0, 9, 3, 2, 4.0)
    with pytest.raises(S2MError, match=r"the start has means of shape \(1, 2, 3\): give \(1, 3, 3\)"):
        fit_mixture(x, 3, start=fit_mixture(x, 2))


def test_the_generator_decides() -> None:
    x = clusters(5, 40, 6, 4, 1.5)
    same = [fit_mixture(x, 4, generator=random_generator(3), restarts=1).means for _ in range(2)]
    assert torch.equal(*same)
    assert torch.equal(fit_mixture(x, 4).means, fit_mixture(x, 4, generator=random_generator(0)).means)
    others = [fit_mixture(x, 4, generator=random_generator(seed), restarts=1).means for seed in range(5)]
    assert any(not torch.allclose(other, others[0]) for other in others)


# Invariances ----------------------------------------------------------------------------------------------------------


@settings(max_examples=15)
@given(cases(), st.integers(0, 9999))
def test_the_order_of_examples_does_not_matter(case: Case, seed: int) -> None:
    order = torch.randperm(len(case.x), generator=random_generator(seed))
    k, start = case.components, spread_start(case)
    found = fit_mixture(case.x[order], k, case.w[order], start=start, max_steps=5000)
    assert_same(found, fit_mixture(case.x, k, case.w, start=start, max_steps=5000), CARRIED)


@settings(max_examples=15)
@given(cases(), st.integers(0, 9999))
def test_the_order_of_components_does_not_matter(case: Case, seed: int) -> None:
    k, start = case.components, spread_start(case)
    order = torch.randperm(k, generator=random_generator(seed))
    relabelled = Mixture(start.weights[:, order], start.means[:, order], start.variances[:, order])
    expected = fit_mixture(case.x, k, case.w, start=start, max_steps=5000)
    expected = Mixture(expected.weights[:, order], expected.means[:, order], expected.variances[:, order])
    assert_same(fit_mixture(case.x, k, case.w, start=relabelled, max_steps=5000), expected, CARRIED)


@settings(max_examples=15)
@given(cases())
def test_a_weight_counts_repetitions(case: Case) -> None:
    k, start = case.components, spread_start(case)
    repeated = case.x.repeat_interleave(case.w.long(), dim=0)
    found = fit_mixture(repeated, k, start=start, max_steps=5000)
    assert_same(found, fit_mixture(case.x, k, case.w, start=start, max_steps=5000), CARRIED)


@settings(max_examples=15)
@given(cases(), st.integers(1, 3))
def test_padding_changes_nothing(case: Case, extra: int) -> None:
    """Neither the fit nor the seeds that are drawn for it."""
    padded = torch.cat([case.x, torch.full((extra, case.x.shape[1]), NAN)])
    weights = torch.cat([case.w, torch.zeros(extra)])
    found = fit_mixture(padded, case.components, weights, max_steps=5000)
    assert_same(found, fit_mixture(case.x, case.components, case.w, max_steps=5000), CARRIED)


@settings(max_examples=15)
@given(cases(), st.floats(-10, 10), st.sampled_from([0.01, 0.5, 8.0]))
def test_it_moves_and_grows_with_its_set(case: Case, shift: float, scale: float) -> None:
    found = fit_mixture(
        case.x * scale + shift, case.components, case.w, VariancePrior(1.0, 0.01 * scale**2), max_steps=5000
    )
    expected = fit_mixture(case.x, case.components, case.w, PRIOR, max_steps=5000)
    assert_same(
        found, Mixture(expected.weights, expected.means * scale + shift, expected.variances * scale**2), CARRIED
    )


def test_a_batch_of_unequal_sets_is_each_set_alone() -> None:
    alone = [clusters(seed, count, 4, 3, 3.0) for seed, count in enumerate([1, 2, 7, 30])]
    batch = torch.full((4, 30, 4), NAN, dtype=torch.float64)
    for row, x in zip(batch, alone, strict=True):
        row[: len(x)] = x
    starts = [spread_start(Case(x, torch.ones(len(x)), 3)) for x in alone]
    start = Mixture(*(torch.cat([getattr(s, name) for s in starts]) for name in ("weights", "means", "variances")))
    density = fit_mixture(batch, 3, ~batch.isnan().any(-1), start=start)
    for index, (x, own) in enumerate(zip(alone, starts, strict=True)):
        assert_same(one_set(density, index), fit_mixture(x, 3, start=own), CARRIED)


# Awkward sets ---------------------------------------------------------------------------------------------------------


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
