"""k-means++ seeds: drawn by the rule, from the examples alone."""

import pytest
import torch
from problems import clusters, random_generator

from s2m.models.start import assign, seed_centres


def test_centres_are_different_examples() -> None:
    x = torch.stack([clusters(seed, 6, 2, 3, 4.0) for seed in range(20)])
    centres, held = seed_centres(x, torch.ones(20, 6).double(), 4, random_generator(0))
    assert held.all()
    match = (centres.unsqueeze(2) == x.unsqueeze(1)).all(-1)  # (B, k, N)
    assert (match.sum(2) == 1).all()
    assert (match.sum(1) <= 1).all()


def test_seeds_are_drawn_in_proportion_to_the_squared_distance() -> None:
    """From 0 the others lie at 1 and 3, so that the second seed is one of them with odds 1 : 9."""
    sets = 4000
    x = torch.tensor([[0.0], [1.0], [3.0]]).double().expand(sets, 3, 1)
    w = torch.tensor([2.0, 1.0, 1.0]).double().expand(sets, 3)
    centres, _ = seed_centres(x, w, 2, random_generator(0), restarts=sets)
    first, second = centres[:, 0, 0], centres[:, 1, 0]
    # Four standard errors of a share p among m draws: 4 sqrt(p (1 - p) / m).
    assert (first == 0).double().mean().item() == pytest.approx(0.5, abs=4 * (0.25 / sets) ** 0.5)
    after_zero = second[first == 0]
    error = 4 * (0.09 / len(after_zero)) ** 0.5
    assert (after_zero == 1).double().mean().item() == pytest.approx(0.1, abs=error)
    assert (after_zero != 0).all()


def test_an_example_of_no_weight_is_never_drawn() -> None:
    x = torch.arange(4.0).double().reshape(1, 4, 1).expand(50, 4, 1)
    w = torch.tensor([1.0, 0.0, 1.0, 0.0]).double().expand(50, 4)
    centres, held = seed_centres(x, w, 3, random_generator(0), restarts=50)
    assert set(centres[held].flatten().tolist()) == {0.0, 2.0}
    assert held.tolist() == [[True, True, False]] * 50


def test_padding_does_not_change_the_draw() -> None:
    x = torch.stack([clusters(seed, 7, 3, 3, 3.0) for seed in range(4)])
    padded = torch.cat([x, torch.zeros(4, 5, 3).double()], 1)
    w = torch.cat([torch.ones(4, 7), torch.zeros(4, 5)], 1).double()
    plain, _ = seed_centres(x, w[:, :7], 3, random_generator(4))
    with_padding, _ = seed_centres(padded, w, 3, random_generator(4))
    torch.testing.assert_close(with_padding, plain, rtol=0, atol=0)


def test_the_generator_decides() -> None:
    x, w = clusters(0, 9, 3, 3, 3.0).expand(8, 9, 3), torch.ones(8, 9).double()
    one, same, other = (seed_centres(x, w, 3, random_generator(seed), restarts=8)[0] for seed in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert len(one.flatten(1).unique(dim=0)) > 1  # restarts differ


def test_a_set_draws_the_same_in_any_company() -> None:
    x = torch.stack([clusters(seed, 9, 3, 3, 3.0) for seed in range(4)]).repeat_interleave(5, dim=0)
    w = torch.ones(20, 9).double()
    together, _ = seed_centres(x, w, 3, random_generator(0), restarts=5)
    for first in range(0, 20, 5):
        alone, _ = seed_centres(x[first : first + 5], w[:5], 3, random_generator(0), restarts=5)
        torch.testing.assert_close(together[first : first + 5], alone, rtol=0, atol=0)


def test_duplicates_give_one_seed() -> None:
    x = torch.tensor([[[1.0, 2.0]] * 4]).double()
    assert seed_centres(x, torch.ones(1, 4).double(), 3, random_generator(0))[1].tolist() == [[True, False, False]]
    x[0, 3] = 5.0
    assert seed_centres(x, torch.ones(1, 4).double(), 3, random_generator(0))[1].tolist() == [[True, True, False]]


def test_examples_go_to_the_nearest_centre_that_is_held() -> None:
    x = torch.tensor([[[0.0], [1.0], [9.0]]]).double()
    centres = torch.tensor([[[0.0], [9.0], [1.0]]]).double()
    held = torch.tensor([[True, True, False]])
    assert assign(x, centres, held).tolist() == [[[1, 0, 0], [1, 0, 0], [0, 1, 0]]]
