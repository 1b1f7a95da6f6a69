"""BIC: the criterion as written, and the choice it makes."""

import math

import pytest
import torch
from problems import clusters, random_generator

from s2m import Mixture, S2MError, fit_mixture, select_components

NAN = float("nan")


def far_clusters(components: int, size: int = 3) -> torch.Tensor:
    """60 examples in clusters 40 standard deviations apart on a line."""
    place = (torch.arange(60) % components).double().unsqueeze(1)
    return 0.1 * (torch.randn(60, size, generator=random_generator(components), dtype=torch.float64) + 40 * place)


@pytest.mark.parametrize("components", [1, 2, 3, 4])
def test_it_finds_clear_clusters(components: int) -> None:
    selection = select_components(far_clusters(components))
    assert selection.components.tolist() == [components]
    assert (selection.density.weights > 0).sum() == components


def test_the_criterion_is_that_of_the_paper() -> None:
    x, w = clusters(0, 25, 3, 2, 3.0), torch.rand(25, generator=random_generator(0), dtype=torch.float64) + 0.5
    selection = select_components(x, 3, w)
    for index in range(3):
        k, likelihood = index + 1, 0.0
        density = fit_mixture(x, k, w)
        for example, weight in zip(x, w, strict=True):
            likelihood += weight.item() * density.log_prob(example.unsqueeze(0)).item()
        expected = 2 * k * 3 * math.log(w.sum().item()) - 2 * likelihood
        assert selection.bic[0, index].item() == pytest.approx(expected, rel=1e-10)  # rounding of 25 terms
    assert selection.components.item() == selection.bic[0].argmin().item() + 1


def test_each_set_of_a_batch_has_its_own_number() -> None:
    batch = torch.stack([far_clusters(k) for k in (3, 1, 2)])
    selection = select_components(batch)
    assert selection.components.tolist() == [3, 1, 2]
    assert (selection.density.weights > 0).sum(1).tolist() == [3, 1, 2]
    assert selection.density.weights.shape == (3, 4)
    assert selection.bic.shape == (3, 4)


def test_the_density_is_the_chosen_fit() -> None:
    batch, queries = torch.stack([far_clusters(k) for k in (1, 2)]), clusters(1, 5, 3, 1, 0.0)
    found = select_components(batch).density.log_prob(queries)
    for row, k in enumerate((1, 2)):
        expected = fit_mixture(batch, k).log_prob(queries)[row]
        torch.testing.assert_close(found[row], expected, rtol=1e-9, atol=1e-9)  # the same fit; means far away cancel


def test_gradients_flow_through_the_chosen_fit() -> None:
    queries = clusters(1, 5, 3, 1, 0.0)
    gradients = []
    for fit in (lambda x: select_components(x).density, lambda x: fit_mixture(x, 2)):
        x = far_clusters(2).requires_grad_()
        density: Mixture = fit(x)
        gradients.append(torch.autograd.grad(density.log_prob(queries).sum(), x)[0])
    torch.testing.assert_close(*gradients, rtol=1e-9, atol=1e-12)  # the same fit, rounding


def test_padding_changes_nothing() -> None:
    x = far_clusters(2)
    padded = torch.cat([x, torch.full((5, 3), NAN)])
    found = select_components(padded, weights=torch.cat([torch.ones(60), torch.zeros(5)]))
    expected = select_components(x)
    assert found.components.tolist() == expected.components.tolist()
    torch.testing.assert_close(found.bic, expected.bic, rtol=1e-9, atol=0)  # the same fits, rounding


def test_one_example_is_one_gaussian_with_finite_gradients() -> None:
    x = torch.ones(1, 3, requires_grad=True)
    selection = select_components(x)
    assert selection.components.tolist() == [1]
    selection.density.log_prob(x.detach() + 0.1).sum().backward()
    assert x.grad is not None
    assert torch.isfinite(x.grad).all()


def test_the_type_of_the_caller() -> None:
    assert select_components(far_clusters(2).float()).density.means.dtype == torch.float32


def test_no_components_to_choose_from_is_an_error() -> None:
    with pytest.raises(S2MError, match="max_components is 0: give at least 1"):
        select_components(torch.ones(3, 2), 0)
