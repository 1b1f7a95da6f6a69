"""The structured Hessian against the dense one."""

import pytest
import torch
from problems import clusters, objective, random_generator
from torch import Tensor

from s2m import Mixture, VariancePrior, fit_mixture
from s2m.models.curvature import Curvature, Point, contrasts, pack, solve_definite, unpack

PRIOR = VariancePrior(1.0, 0.01)


def responsibilities(components: int, sharpness: float) -> Tensor:
    """(50, components): as soft as a uniform draw, or so sharp that some entries underflow to 0."""
    logits = torch.randn(50, components, generator=random_generator(components), dtype=torch.float64)
    return (sharpness * logits).softmax(-1)


@pytest.mark.parametrize("components", [1, 2, 3, 5])
@pytest.mark.parametrize("sharpness", [0.0, 1.0, 30.0, 1000.0])
def test_contrasts_are_a_root_of_the_multinomial_covariance(components: int, sharpness: float) -> None:
    r = responsibilities(components, sharpness)
    c = contrasts(r)
    assert c.shape == (50, components, components - 1)
    expected = torch.diag_embed(r) - r.unsqueeze(-1) * r.unsqueeze(-2)
    torch.testing.assert_close(c @ c.mT, expected, rtol=0, atol=1e-14)  # rounding of numbers below 1


@pytest.mark.parametrize("hard", [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
def test_contrasts_of_hard_responsibilities_are_zero(hard: list[float]) -> None:
    assert (contrasts(torch.tensor(hard).double()) == 0).all()


@pytest.mark.parametrize("r", [[0.5, 0.0, 0.5], [0.5, 0.5, 0.0], [0.0, 0.25, 0.75]])
def test_contrasts_with_an_empty_component(r: list[float]) -> None:
    soft = torch.tensor(r).double()
    c = contrasts(soft)
    assert torch.isfinite(c).all()
    torch.testing.assert_close(c @ c.mT, soft.diag() - torch.outer(soft, soft), rtol=0, atol=1e-15)


def test_pack_and_unpack_are_inverse() -> None:
    parts = torch.ones(2, 3), torch.full((2, 3, 4), 2.0), torch.full((2, 3, 4), 3.0)
    packed = pack(*parts)
    assert packed.shape == (2, 3, 9)
    for part, back in zip(parts, unpack(packed), strict=True):
        assert torch.equal(part, back)


def test_points_are_picked_set_by_set() -> None:
    zero = Point(torch.zeros(2, 1), torch.zeros(2, 1, 3), torch.zeros(2, 1, 3))
    one = Point(torch.ones(2, 1), torch.ones(2, 1, 3), torch.ones(2, 1, 3))
    mixed = one.where(torch.tensor([True, False]), zero)
    assert mixed.weights.flatten().tolist() == [1, 0]
    assert mixed.means[:, 0, 0].tolist() == [1, 0]
    assert mixed.take(torch.tensor([0])).variances.tolist() == [[[1, 1, 1]]]
    zero.put(torch.tensor([1]), one.take(torch.tensor([1])))
    assert zero.variances[:, 0, 0].tolist() == [0, 1]


def fitted(x: Tensor, w: Tensor, components: int) -> tuple[Mixture, Curvature]:
    # To 1e-13, since the structure of the Hessian holds at the stationary point only, with an error of that order.
    density = fit_mixture(x, components, w, PRIOR, tolerance=1e-13)
    point = Point(density.weights, density.means, density.variances)
    alpha, _ = PRIOR.natural("cpu")
    return density, Curvature(x.unsqueeze(0), w.unsqueeze(0), density.responsibilities(x), point, alpha)


def dense_hessian(x: Tensor, w: Tensor, density: Mixture) -> Tensor:
    """Of J in the rows of `pack`, (k (1 + 2n), k (1 + 2n)), by automatic differentiation."""
    rows = pack(density.weights.log(), density.means, density.variances.log())[0]
    alpha, beta = (value.item() for value in PRIOR.natural("cpu"))

    def of_rows(flat: Tensor) -> Tensor:
        return objective(x, w, *unpack(flat.reshape(rows.shape)), alpha, beta)

    return torch.autograd.functional.hessian(of_rows, rows.flatten())


@pytest.mark.parametrize("distance", [1.0, 2.0, 6.0, 40.0])
@pytest.mark.parametrize(
    ("count", "size", "components"),
    [(40, 2, 2), (60, 3, 3), (12, 6, 2), (9, 10, 4), (5, 4, 1)],
    ids=["parameters", "parameters, k = 3", "examples", "examples, k = 4", "one component"],
)
def test_solve_against_the_dense_hessian(count: int, size: int, components: int, distance: float) -> None:
    """Both forms of the solve, from overlapping clusters to hard responsibilities."""
    x = clusters(count, count, size, components, distance)
    w = torch.rand(count, generator=random_generator(0), dtype=torch.float64) + 0.5
    density, curvature = fitted(x, w, components)
    assert (density.weights > 0).all()  # else the dense Hessian has directions that the structured one has not
    hessian = dense_hessian(x, w, density)
    rows = torch.randn(1, components, 1 + 2 * size, generator=random_generator(1), dtype=torch.float64)
    rows[..., 0] -= rows[..., 0].mean()  # a right-hand side that a shift of all a leaves alone
    found, definite = curvature.solve(rows)
    assert definite.all()
    expected = (torch.linalg.pinv(-hessian, rtol=1e-13, hermitian=True) @ rows.flatten()).reshape(rows.shape)
    # The pseudo-inverse and the structured solve differ by a shift of all a: take both with sum pi_k a_k = 0.
    expected[..., 0] -= (density.weights * expected[..., 0]).sum()
    found[..., 0] -= (density.weights * found[..., 0]).sum()
    # 1e-9: rounding, 1e-16, times the condition number of these Hessians, at most some 1e6.
    assert (found - expected).norm() <= 1e-9 * expected.norm()


def test_padding_and_the_rest_of_the_batch_change_nothing() -> None:
    sets = [clusters(seed, count, 3, 2, 3.0) for seed, count in enumerate([6, 20])]
    rows = torch.randn(2, 2, 7, generator=random_generator(2), dtype=torch.float64)
    rows[..., 0] -= rows[..., 0].mean(1, keepdim=True)
    alone, curvatures = [], []
    for x, right in zip(sets, rows, strict=True):
        density, curvature = fitted(x, torch.ones(len(x)).double(), 2)
        alone.append(curvature.solve(right.unsqueeze(0))[0])
        curvatures.append(density)
    x, w = torch.zeros(2, 20, 3).double(), torch.zeros(2, 20).double()
    for index, own in enumerate(sets):
        x[index, : len(own)], w[index, : len(own)] = own, 1
    point = Point(*(torch.cat([getattr(d, name) for d in curvatures]) for name in ("weights", "means", "variances")))
    density = Mixture(point.weights, point.means, point.variances)
    together, _ = Curvature(x, w, density.responsibilities(x), point, PRIOR.natural("cpu")[0]).solve(rows)
    # The two forms of the solve are used here, one a set alone: they agree to rounding times the condition number.
    torch.testing.assert_close(together, torch.cat(alone), rtol=1e-9, atol=1e-12)


def test_multiply_is_the_inverse_of_solve() -> None:
    x = clusters(3, 25, 4, 3, 1.5)
    _, curvature = fitted(x, torch.ones(25).double(), 3)
    rows = torch.randn(1, 3, 9, generator=random_generator(3), dtype=torch.float64)
    back, _ = curvature.solve(curvature.multiply(rows))
    torch.testing.assert_close(back, rows, rtol=1e-8, atol=1e-9)  # rounding times the condition number


def test_a_saddle_is_flagged_and_damped() -> None:
    """Two equal components on two far clusters: J rises when they part along the diagonal, so this is no maximum."""
    x = torch.tensor([[-1.0], [-0.9], [0.9], [1.0]]).double().expand(4, 2)
    half, mean = torch.full((1, 2), 0.5).double(), torch.zeros(1, 2, 2).double()
    point = Point(half, mean, mean + x.square().mean())
    r, w = half.unsqueeze(1).expand(1, 4, 2), torch.ones(1, 4).double()
    curvature = Curvature(x.unsqueeze(0), w, r, point, half.new_zeros(()))
    apart = torch.tensor([[[0.0, 1, 1, 0, 0], [0.0, -1, -1, 0, 0]]]).double()
    answer, definite = curvature.solve(apart)
    assert definite.tolist() == [False]
    assert torch.isfinite(answer).all()
    assert (answer * apart).sum() > 0  # damped, the step still climbs


def test_only_the_indefinite_sets_of_a_batch_are_damped() -> None:
    gram = torch.stack([0.5 * torch.eye(2), 2 * torch.eye(2), torch.eye(2)]).double()
    answer, definite = solve_definite(gram, torch.ones(3, 2).double())
    assert definite.tolist() == [True, False, True]  # the last is flat: a ridge, along which nothing changes
    # (1 - 1/2)^-1 = 2; a direction that bends upward by 1 is stepped along as if it bent downward by 1; a flat one
    # has its curvature held at 1e-3.
    assert answer[:, 0].tolist() == [pytest.approx(2), pytest.approx(1), pytest.approx(1e3)]
