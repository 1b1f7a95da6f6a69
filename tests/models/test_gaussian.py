"""One Gaussian: closed form, invariant, differentiable, and finite for every set."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from problems import Case, assert_same, cases, clusters, one_set, random_generator
from scipy.stats import norm
from torch import Tensor

from s2m import S2MError, VariancePrior, fit_gaussian

NAN = float("nan")
# Sums of a dozen float64 terms, in another order or at another scale, are equal but for rounding.
ROUNDING = 1e-11


def test_against_numpy() -> None:
    x = clusters(0, 20, 3, 1, 0.0)
    density = fit_gaussian(x, prior=None)
    np.testing.assert_allclose(density.means[0, 0], x.numpy().mean(0), rtol=1e-12)  # rounding
    np.testing.assert_allclose(density.variances[0, 0], x.numpy().var(0), rtol=1e-12)
    assert density.weights.tolist() == [[1.0]]


def test_it_is_the_most_probable_one() -> None:
    """No neighbour of the answer has a greater log posterior, computed with scipy's density."""
    x, prior = clusters(1, 9, 2, 1, 0.0), VariancePrior(2.0, 0.3)
    density = fit_gaussian(x, prior=prior)
    mean, variance = density.means[0, 0].numpy(), density.variances[0, 0].numpy()

    def posterior(mean: np.ndarray, variance: np.ndarray) -> float:
        excess = np.log(variance / prior.variance) + prior.variance / variance - 1  # 0 at the prior's own variance
        return norm.logpdf(x.numpy(), mean, np.sqrt(variance)).sum() - prior.strength / 2 * excess.sum()

    best = posterior(mean, variance)
    assert density.record is not None
    assert density.record.objective.item() == pytest.approx(best, rel=1e-12)  # the same sum, otherwise written
    rng = np.random.default_rng(0)
    for _ in range(50):
        shift, growth = 0.01 * rng.normal(size=(2, 2))
        assert posterior(mean + shift * np.sqrt(variance), variance * np.exp(growth)) < best


@settings(max_examples=40)
@given(cases(), st.integers(0, 9999))
def test_the_order_of_examples_does_not_matter(case: Case, seed: int) -> None:
    order = torch.randperm(len(case.x), generator=random_generator(seed))
    assert_same(fit_gaussian(case.x[order], case.w[order]), fit_gaussian(case.x, case.w), ROUNDING)


@settings(max_examples=40)
@given(cases())
def test_a_weight_counts_repetitions(case: Case) -> None:
    repeated = case.x.repeat_interleave(case.w.long(), dim=0)
    assert_same(fit_gaussian(repeated), fit_gaussian(case.x, case.w), ROUNDING)


@settings(max_examples=40)
@given(cases(), st.integers(1, 3))
def test_padding_changes_nothing(case: Case, extra: int) -> None:
    padded = torch.cat([torch.full((extra, case.x.shape[1]), NAN), case.x])
    weights = torch.cat([torch.zeros(extra), case.w])
    assert_same(fit_gaussian(padded, weights), fit_gaussian(case.x, case.w), ROUNDING)


@settings(max_examples=40)
@given(cases(), st.floats(-10, 10), st.floats(0.01, 100))
def test_it_moves_and_grows_with_its_set(case: Case, shift: float, scale: float) -> None:
    found = fit_gaussian(case.x * scale + shift, case.w, VariancePrior(1.0, 0.01 * scale**2))
    expected = fit_gaussian(case.x, case.w, VariancePrior(1.0, 0.01))
    expected = type(expected)(expected.weights, expected.means * scale + shift, expected.variances * scale**2)
    # A shift of up to 10 beside variances of (0.01 * 0.05)^2 costs 10 / 5e-4 = 2e4 roundings of 1e-16.
    assert_same(found, expected, 1e-9)


def test_a_batch_of_unequal_sets_is_each_set_alone() -> None:
    alone = [clusters(seed, count, 4, 1, 0.0) for seed, count in enumerate([1, 5, 8])]
    batch = torch.full((3, 8, 4), NAN, dtype=torch.float64)
    for row, x in zip(batch, alone, strict=True):
        row[: len(x)] = x
    density = fit_gaussian(batch, ~batch.isnan().any(-1))
    for index, x in enumerate(alone):
        assert_same(one_set(density, index), fit_gaussian(x), ROUNDING)


def test_gradcheck() -> None:
    x = clusters(2, 7, 3, 1, 0.0).unsqueeze(0).requires_grad_()
    w = torch.tensor([[1.0, 2.0, 0.5, 1.0, 1.0, 3.0, 0.0]]).double().requires_grad_()
    prior = torch.tensor([1.5, 0.02]).double().requires_grad_()

    def fit(x: Tensor, w: Tensor, prior: Tensor) -> tuple[Tensor, Tensor]:
        density = fit_gaussian(x, w, VariancePrior(prior[0], prior[1]))
        return density.means, density.variances

    # Weight 0 is an end of the range, where no central difference can be taken: one example is left out.
    assert torch.autograd.gradcheck(lambda x, w, p: fit(x[:, :6], w[:, :6], p), (x, w, prior), atol=1e-8)


@settings(max_examples=40)
@given(cases())
def test_every_set_has_a_finite_model_and_finite_gradients(case: Case) -> None:
    x, w = case.x.clone().requires_grad_(), case.w.clone().requires_grad_()
    density = fit_gaussian(x, w)
    density.log_prob(case.x + 0.1).sum().backward()
    assert x.grad is not None
    assert w.grad is not None
    for value in (density.means, density.variances, x.grad, w.grad):
        assert torch.isfinite(value).all()
    assert (density.variances > 0).all()


def test_the_type_of_the_caller() -> None:
    x = clusters(3, 5, 2, 1, 0.0).float().requires_grad_()
    density = fit_gaussian(x)
    assert {density.weights.dtype, density.means.dtype, density.variances.dtype} == {torch.float32}
    assert density.log_prob(x).dtype == torch.float32
    density.log_prob(x).sum().backward()
    assert x.grad is not None
    assert x.grad.dtype == torch.float32


def test_far_from_the_origin_nothing_cancels() -> None:
    """In float32 at 1000, E[x^2] - E[x]^2 would be wrong by 1e6 x 6e-8 = 0.06; the true variance is 0.01."""
    x = (clusters(4, 50, 1, 1, 0.0) + 1000).float()
    density = fit_gaussian(x, prior=None)
    np.testing.assert_allclose(density.variances.item(), x.double().numpy().var(), rtol=1e-6)  # float32 of the result


@pytest.mark.parametrize("x", [[[1.0]], [[1.0], [1.0]]])
def test_maximum_likelihood_of_a_vanishing_variance_is_an_error(x: list[list[float]]) -> None:
    with pytest.raises(S2MError, match="set 0, component 0 has zero variance in dimension 0; give a prior"):
        fit_gaussian(torch.tensor(x), prior=None)
