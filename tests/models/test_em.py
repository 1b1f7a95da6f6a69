"""Mixtures: the fit is a maximum, and honest about it."""

import numpy as np
import pytest
import torch
from problems import assert_same, clusters, objective, random_generator
from sklearn.mixture import GaussianMixture

from s2m import Mixture, S2MError, VariancePrior, fit_gaussian, fit_mixture
from s2m.errors import ConvergenceWarning

PRIOR = VariancePrior(1.0, 0.01)


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
