"""What a fit returns: log density, responsibilities, types."""

import numpy as np
import pytest
import torch
from problems import random_generator
from torch import Tensor
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from s2m import Mixture, S2MError


@pytest.fixture
def density() -> Mixture:
    generator = random_generator(0)
    weights = torch.rand(2, 3, generator=generator, dtype=torch.float64)
    means = torch.randn(2, 3, 4, generator=generator, dtype=torch.float64)
    variances = torch.rand(2, 3, 4, generator=generator, dtype=torch.float64) + 0.1
    return Mixture(weights / weights.sum(1, keepdim=True), means, variances)


@pytest.fixture
def queries() -> Tensor:
    return torch.randn(2, 5, 4, generator=random_generator(1), dtype=torch.float64)


def test_log_prob_against_torch_distributions(density: Mixture, queries: Tensor) -> None:
    normal = Independent(Normal(density.means, density.variances.sqrt()), 1)
    oracle = MixtureSameFamily(Categorical(density.weights), normal)
    expected = oracle.log_prob(queries.transpose(0, 1)).T
    torch.testing.assert_close(density.log_prob(queries), expected, rtol=1e-12, atol=1e-12)  # rounding


def test_it_integrates_to_one() -> None:
    density = Mixture(torch.tensor([[0.3, 0.7]]), torch.tensor([[[-1.0], [2.0]]]), torch.tensor([[[0.25], [1.0]]])).to(
        torch.float64
    )
    grid = torch.linspace(-10, 12, 4001, dtype=torch.float64).unsqueeze(-1)
    # Trapezoids converge faster than any power of the step; both tails end 8 standard deviations out (1e-15).
    assert torch.trapezoid(density.log_prob(grid)[0].exp(), grid[:, 0]).item() == pytest.approx(1, abs=1e-7)


def test_responsibilities_are_bayes_rule(density: Mixture, queries: Tensor) -> None:
    r = density.responsibilities(queries)
    joint = density.log_joint(queries).exp()
    assert r.shape == (2, 5, 3)
    torch.testing.assert_close(r, joint / joint.sum(-1, keepdim=True), rtol=1e-12, atol=0)  # rounding
    torch.testing.assert_close(r.sum(-1), torch.ones(2, 5).double(), rtol=1e-14, atol=0)


def test_shared_queries_are_asked_of_every_set(density: Mixture, queries: Tensor) -> None:
    repeated = density.log_prob(queries[:1].expand(2, -1, -1))
    torch.testing.assert_close(density.log_prob(queries[:1]), repeated, rtol=1e-13, atol=1e-13)  # rounding
    torch.testing.assert_close(density.log_prob(queries[0]), repeated, rtol=1e-13, atol=1e-13)


def test_an_empty_component_takes_no_part(density: Mixture, queries: Tensor) -> None:
    weights = torch.tensor([[0.4, 0.0, 0.6]]).double().expand(2, -1).clone().requires_grad_()
    means = density.means.clone().requires_grad_()
    with_empty = Mixture(weights, means, density.variances)
    without = Mixture(weights[:, [0, 2]], means[:, [0, 2]], density.variances[:, [0, 2]])
    torch.testing.assert_close(with_empty.log_prob(queries), without.log_prob(queries), rtol=1e-12, atol=1e-12)
    assert (with_empty.responsibilities(queries)[..., 1] == 0).all()
    with_empty.log_prob(queries).sum().backward()
    assert weights.grad is not None
    assert means.grad is not None
    assert torch.isfinite(weights.grad).all()
    assert (weights.grad[:, 1] == 0).all()
    assert (means.grad[:, 1] == 0).all()


def test_gradcheck(density: Mixture, queries: Tensor) -> None:
    inputs = [v.clone().requires_grad_() for v in (density.weights, density.means, density.variances, queries)]
    assert torch.autograd.gradcheck(lambda p, m, v, z: Mixture(p, m, v).log_prob(z), inputs)


def test_the_expanded_square_does_not_cancel_far_from_the_origin(density: Mixture, queries: Tensor) -> None:
    far = Mixture(density.weights, density.means + 1e4, density.variances)
    # The sum 1e4 + mean itself is rounded to 2e-12; a square expanded at the origin would lose 1e8 x 1e-16 = 1e-8.
    torch.testing.assert_close(far.log_prob(queries + 1e4), density.log_prob(queries), rtol=0, atol=1e-9)


def test_the_type_of_the_queries(density: Mixture, queries: Tensor) -> None:
    assert density.log_prob(queries.float()).dtype == torch.float32
    assert density.responsibilities(queries.float()).dtype == torch.float32
    narrow = density.to(torch.float32)
    assert {narrow.weights.dtype, narrow.means.dtype, narrow.variances.dtype} == {torch.float32}
    np.testing.assert_allclose(narrow.log_prob(queries), density.log_prob(queries), rtol=1e-5)  # float32 parameters


def test_queries_of_another_size_are_an_error(density: Mixture) -> None:
    with pytest.raises(S2MError, match=r"give \(2, M, 4\)"):
        density.log_prob(torch.ones(5, 3))
