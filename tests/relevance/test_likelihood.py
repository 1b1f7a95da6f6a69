"""The likelihood against three lines of numpy, and its prior as something to learn."""

import numpy as np
import pytest
import torch

from s2m import S2MError, VariancePrior, fit_mixture, select_components
from s2m.relevance import Likelihood


def unit(*shape: int, seed: int) -> torch.Tensor:
    values = torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return torch.nn.functional.normalize(values, dim=-1)


def test_one_gaussian_against_numpy() -> None:
    examples, queries = unit(3, 5, 4, seed=0), unit(3, 6, 4, seed=1)
    found = Likelihood(1, VariancePrior(2.0, 0.5))(examples, queries)
    for x, z, row in zip(examples.numpy(), queries.numpy(), found.numpy(), strict=True):
        variance = (((x - x.mean(0)) ** 2).sum(0) + 2.0 * 0.5) / (5 + 2.0)
        expected = -0.5 * ((z - x.mean(0)) ** 2 / variance + np.log(2 * np.pi * variance)).sum(1)
        np.testing.assert_allclose(row, expected, rtol=1e-6)  # the prior is kept in float32


@pytest.mark.parametrize("components", [1, 2, 3, 4])
def test_it_is_the_log_density_of_the_fit(components: int) -> None:
    examples, queries = unit(2, 12, 4, seed=0), unit(2, 6, 4, seed=1)
    relevance = Likelihood(components)
    expected = fit_mixture(examples, components, prior=relevance.prior).log_prob(queries)
    assert torch.equal(relevance(examples, queries), expected)


def test_bic_chooses_for_every_set() -> None:
    examples, queries = unit(2, 12, 4, seed=0), unit(2, 6, 4, seed=1)
    relevance = Likelihood("bic")
    expected = select_components(examples, 4, prior=relevance.prior).density.log_prob(queries)
    assert torch.equal(relevance(examples, queries), expected)


def test_the_prior_is_kept_and_saved() -> None:
    relevance = Likelihood(1, VariancePrior(3.0, 0.2))
    other = Likelihood(1)
    other.load_state_dict(relevance.state_dict())
    assert other.prior is not None
    assert float(other.prior.strength) == pytest.approx(3.0, rel=1e-6)  # through a float32 logarithm
    assert float(other.prior.variance) == pytest.approx(0.2, rel=1e-6)
    assert not list(relevance.parameters())


def test_the_prior_can_be_learned() -> None:
    relevance = Likelihood(2, VariancePrior(3.0, 0.2), learn_prior=True)
    assert [name for name, _ in relevance.named_parameters()] == ["log_prior"]
    relevance(unit(2, 8, 4, seed=0), unit(2, 6, 4, seed=1)).sum().backward()
    assert isinstance(relevance.log_prior, torch.nn.Parameter)
    assert relevance.log_prior.grad is not None
    assert torch.isfinite(relevance.log_prior.grad).all()
    assert (relevance.log_prior.grad != 0).all()


def test_no_prior_is_maximum_likelihood() -> None:
    examples, queries = unit(1, 9, 3, seed=0), unit(1, 4, 3, seed=1)
    relevance = Likelihood(1, None)
    assert relevance.prior is None
    assert not relevance.state_dict()
    assert torch.equal(relevance(examples, queries), fit_mixture(examples, 1, prior=None).log_prob(queries))


@pytest.mark.parametrize("components", [0, -1, 2.0, "aic", None])
def test_components_that_are_no_number_are_an_error(components: object) -> None:
    with pytest.raises(S2MError, match='give a number >= 1, or "bic"'):
        Likelihood(components)  # type: ignore[arg-type]


def test_learning_no_prior_is_an_error() -> None:
    with pytest.raises(S2MError, match="learn_prior needs a prior to start from"):
        Likelihood(1, None, learn_prior=True)


def test_the_gradient_of_the_fit_can_be_chosen_for_study() -> None:
    examples, queries = unit(2, 8, 4, seed=0), unit(2, 6, 4, seed=1)
    prior = VariancePrior(5.0, 0.3)  # wide, so that responsibilities are soft and the gradients differ
    for gradient in ("exact", "one-step"):
        leaf, direct = examples.clone().requires_grad_(), examples.clone().requires_grad_()
        relevance = Likelihood(2, prior, gradient=gradient)  # type: ignore[arg-type]
        relevance(leaf, queries).sum().backward()
        fit_mixture(direct, 2, prior=relevance.prior, gradient=gradient).log_prob(queries).sum().backward()  # type: ignore[arg-type]
        assert torch.equal(leaf.grad, direct.grad)


def test_a_gradient_that_cannot_do_what_is_asked_is_an_error() -> None:
    with pytest.raises(S2MError, match="there is no gradient 'two-step'"):
        Likelihood(2, gradient="two-step")  # type: ignore[arg-type]
    with pytest.raises(S2MError, match='the "published" gradient does not reach the prior'):
        Likelihood(2, learn_prior=True, gradient="published")
