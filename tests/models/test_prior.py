"""The prior on the variances: what it means, and what it refuses."""

import pytest
import torch

from s2m import VariancePrior, fit_gaussian
from s2m.errors import S2MError
from s2m.models.prior import natural_parameters


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
