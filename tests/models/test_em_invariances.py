"""Mixtures do not depend on the order of examples or components, on padding, on the place or the scale of a set."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from problems import Case, assert_same, cases, clusters, one_set, random_generator

from s2m import Mixture, VariancePrior, fit_mixture

NAN = float("nan")
# The same steps in another order of additions differ by rounding, which a fit carries along: the nearer two components
# are, the further. 1e-7 is a thousand times the tolerance of the fits.
CARRIED = 1e-7


def spread_start(case: Case) -> Mixture:
    """A start that depends on the set, not on the order of its examples.

    Left to itself a fit takes the best of several starts, and rounding decides between equally good ones.
    """
    k, size = case.components, case.x.shape[1]
    low, high = case.x.amin(0), case.x.amax(0)
    place = (torch.arange(k, dtype=torch.float64).unsqueeze(1) + 1) / (k + 1)
    means = low + place * (high - low)
    variances = (case.x.var(0, correction=0) + 0.01).expand(k, size)
    weights = torch.arange(1.0, k + 1, dtype=torch.float64)  # unequal: no symmetry for rounding to break
    return Mixture((weights / weights.sum()).unsqueeze(0), means.unsqueeze(0), variances.unsqueeze(0))


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
    k, start = case.components, spread_start(case)
    padded = torch.cat([case.x, torch.full((extra, case.x.shape[1]), NAN)])
    weights = torch.cat([case.w, torch.zeros(extra)])
    found = fit_mixture(padded, k, weights, start=start, max_steps=5000)
    assert_same(found, fit_mixture(case.x, k, case.w, start=start, max_steps=5000), CARRIED)


def move(density: Mixture, shift: float, scale: float) -> Mixture:
    return Mixture(density.weights, density.means * scale + shift, density.variances * scale**2)


@settings(max_examples=15)
@given(cases(), st.floats(-10, 10), st.sampled_from([0.01, 0.5, 8.0]))
def test_it_moves_and_grows_with_its_set(case: Case, shift: float, scale: float) -> None:
    k, start = case.components, spread_start(case)
    expected = fit_mixture(case.x, k, case.w, VariancePrior(1.0, 0.01), start=start, max_steps=5000)
    prior = VariancePrior(1.0, 0.01 * scale**2)
    found = fit_mixture(case.x * scale + shift, k, case.w, prior, start=move(start, shift, scale), max_steps=5000)
    assert_same(found, move(expected, shift, scale), CARRIED)


@pytest.mark.parametrize("seed", range(5))
def test_left_to_itself_a_fit_of_clear_clusters_chooses_the_same_start(seed: int) -> None:
    """Padded, moved or grown; among clear clusters no two starts are equally good."""
    x = clusters(seed, 30, 3, 3, 6.0)
    expected = fit_mixture(x, 3)
    padded = torch.cat([x, torch.full((4, 3), NAN)])
    assert_same(fit_mixture(padded, 3, ~padded.isnan().any(1)), expected, CARRIED)
    grown = fit_mixture(8 * x - 3, 3, prior=VariancePrior(1.0, 0.64))
    assert_same(grown, move(expected, -3, 8), CARRIED)


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
