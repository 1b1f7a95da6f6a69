"""The prior on the variances: what it means, and what it refuses."""

import numpy as np
import pytest
import torch
from scipy.stats import invgamma

from s2m import VariancePrior, fit_gaussian
from s2m.errors import S2MError
from s2m.models.prior import log_prior, natural_parameters


def test_natural_parameters() -> None:
    alpha, beta = VariancePrior(strength=3.0, variance=0.2).natural("cpu")
    assert (alpha.dtype, alpha.item()) == (torch.float64, 1.5)
    assert beta.item() == pytest.approx(0.3, rel=1e-15)  # rounding of one product


def test_no_prior_is_zero() -> None:
    assert [value.item() for value in natural_parameters(None, "cpu")] == [0, 0]


def test_it_counts_as_examples_that_were_never_seen() -> None:
    """Two examples of squared deviation 1 and three pseudo-examples of 0.5: (2 + 1.5) / 5."""
    density = fit_gaussian(torch.tensor([[-1.0], [1.0]]).double(), prior=VariancePrior(3.0, 0.5))
    assert density.variances.item() == pytest.approx(0.7, rel=1e-14)  # a few roundings


def test_a_prior_of_no_strength_is_maximum_likelihood_in_the_limit() -> None:
    x = torch.tensor([[0.0], [2.0], [3.0]]).double()
    weak, none = fit_gaussian(x, prior=VariancePrior(1e-12, 0.5)), fit_gaussian(x, prior=None)
    torch.testing.assert_close(weak.variances, none.variances, rtol=1e-11, atol=0)  # of the order of the strength


def test_it_can_be_learned() -> None:
    strength, variance = torch.tensor(2.0, requires_grad=True), torch.tensor(0.5, requires_grad=True)
    alpha, beta = VariancePrior(strength, variance).natural("cpu")
    (alpha + beta).backward()
    assert strength.grad is not None
    assert variance.grad is not None
    assert (strength.grad.item(), variance.grad.item()) == (0.5 + 0.25, 1.0)


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf"), torch.ones(2)])
@pytest.mark.parametrize("name", ["strength", "variance"])
def test_anything_but_one_positive_number_is_refused(name: str, value: float) -> None:
    with pytest.raises(S2MError, match=f"the prior's {name} is .*: give one positive number"):
        VariancePrior(**{name: value})


def test_the_log_prior_is_an_inverse_gamma_density_but_for_a_constant() -> None:
    alpha, beta = VariancePrior(3.0, 0.2).natural("cpu")
    variances = torch.tensor([[0.1, 0.2], [0.5, 4.0]]).double()
    # In s = log sigma^2 the density is sigma^2 times that of scipy, whose parameters are alpha and beta.
    density = invgamma.logpdf(variances.numpy(), alpha.item(), scale=beta.item()) + np.log(variances.numpy())
    difference = log_prior(variances, alpha, beta).numpy() - density.sum(1)
    assert difference[0] == pytest.approx(difference[1], rel=1e-12)  # rounding


def test_the_log_prior_is_greatest_at_its_own_variance_and_zero_there() -> None:
    alpha, beta = VariancePrior(3.0, 0.2).natural("cpu")
    values = log_prior(torch.tensor([[0.2], [0.19], [0.21]]).double(), alpha, beta)
    assert values[0].item() == pytest.approx(0, abs=1e-15)
    assert (values[1:] < 0).all()


def test_without_a_prior_its_log_is_zero() -> None:
    assert log_prior(torch.tensor([[0.3, 7.0]]).double(), *natural_parameters(None, "cpu")).tolist() == [0]
