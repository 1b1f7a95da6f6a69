"""Accuracy and average precision against loops written out by hand."""

import numpy as np
import pytest
import torch
from torch import Tensor

from s2m import Characters, LeNet, RelevanceNet, S2MError, generate_characters
from s2m.episodes import draw_task, generator
from s2m.evaluation import classify, confidence95, describe_characters, one_rotation_each, retrieve
from s2m.relevance import Average, Likelihood, Nearest


@pytest.fixture(scope="module")
def letters() -> Characters:
    return generate_characters(classes=12, drawings=6)


def perfect(classes: int, drawings: int) -> Tensor:
    """Every class at a place of its own, its drawings close around it."""
    noise = torch.randn(classes, drawings, classes, generator=torch.Generator().manual_seed(0))
    return torch.nn.functional.normalize(torch.eye(classes).unsqueeze(1) + 0.01 * noise, dim=-1)


def noise(classes: int, drawings: int, size: int = 16) -> Tensor:
    values = torch.randn(classes, drawings, size, generator=torch.Generator().manual_seed(1))
    return torch.nn.functional.normalize(values, dim=-1)


def precisions(scores: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """Step-wise and trapezoid average precision of scores without ties, rank by rank."""
    hits, stepwise, trapezoid = 0, 0.0, 0.0
    last_precision = 1.0  # the curve begins at recall 0 with precision 1
    for rank, index in enumerate(np.argsort(-scores), 1):
        hits += int(truth[index])
        precision = hits / rank
        if truth[index]:
            stepwise += precision / truth.sum()
            trapezoid += (last_precision + precision) / 2 / truth.sum()
        last_precision = precision
    return stepwise, trapezoid


@pytest.mark.parametrize("relevance", [Average(), Nearest(), Likelihood(1)], ids=repr)
def test_average_precision_against_a_loop(relevance: Average) -> None:
    descriptors = noise(7, 8)
    found = retrieve(descriptors, relevance, examples=3, seed=5)
    for index in range(7):
        kept = set(generator(5, "test retrieval", index).permutation(8)[:3].tolist())
        asked = [(c, d) for c in range(7) for d in range(8) if c != index or d not in kept]
        examples = descriptors[index, sorted(kept)].unsqueeze(0)
        queries = torch.stack([descriptors[c, d] for c, d in asked])
        scores, truth = relevance(examples, queries)[0].numpy(), np.array([c == index for c, _ in asked])
        assert len(set(scores.tolist())) == len(scores)
        stepwise, trapezoid = precisions(scores, truth)
        assert found["stepwise"][index] == pytest.approx(stepwise, rel=1e-12)  # rounding
        assert found["trapezoid"][index] == pytest.approx(trapezoid, rel=1e-12)


def test_classes_of_a_task_come_from_one_group() -> None:
    """All classes of a group lie at one place and ties go to the first class: accuracy is by chance, else higher."""
    places = torch.eye(4).repeat_interleave(5, dim=0).unsqueeze(1).expand(20, 6, 4)
    groups = [range(first, first + 5) for first in range(0, 20, 5)]
    np.testing.assert_allclose(classify(places, Average(), 5, 2, 20, groups=groups), 0.2, rtol=1e-12)  # rounding
    assert classify(places, Average(), 5, 2, 20).mean() > 0.4


def test_perfect_descriptors_are_found_perfectly() -> None:
    for relevance in (Average(), Nearest(), Likelihood(1)):
        found = retrieve(perfect(8, 6), relevance, examples=3)
        np.testing.assert_allclose(found["stepwise"], 1, rtol=1e-12)  # rounding
        np.testing.assert_allclose(found["trapezoid"], 1, rtol=1e-12)
        assert (classify(perfect(8, 6), relevance, way=5, shot=2, tasks=20) == 1).all()


def test_noise_is_found_by_chance() -> None:
    """5 of 95 drawings are right; a random order has a mean average precision a little above 5 / 95."""
    found = retrieve(noise(10, 10), Average(), examples=5)["stepwise"]
    rng = np.random.default_rng(0)
    truth = np.arange(95) < 5
    chance = [precisions(rng.random(95), truth)[0] for _ in range(1000)]
    assert found.mean() == pytest.approx(np.mean(chance), abs=4 * np.std(chance) / np.sqrt(10))  # four standard errors
    accuracies = classify(noise(30, 20), Average(), way=5, shot=5, tasks=200)
    # A task judges 75 queries; descriptors are shared by tasks, so its errors are not independent: 0.02 is ample.
    assert accuracies.mean() == pytest.approx(0.2, abs=0.02)


def test_accuracy_against_a_loop() -> None:
    descriptors = 0.4 * perfect(9, 6) + noise(9, 6, 9)
    found = classify(descriptors, Average(), way=4, shot=2, tasks=10, seed=3)
    for index, accuracy in enumerate(found):
        task = draw_task(generator(3, "test 4-way 2-shot", index), (9, 6), 4, 2, 4)
        means = [np.mean([descriptors[c, d].numpy() for c, d in row], axis=0) for row in task.examples]
        right = [
            int(np.argmax([mean @ descriptors[c, d].numpy() for mean in means]) == label)
            for label, row in enumerate(task.queries)
            for c, d in row
        ]
        assert accuracy == pytest.approx(np.mean(right), rel=1e-12)  # rounding
    assert 0.3 < found.mean() < 1  # neither trivial nor hopeless, or the loop would compare nothing


def test_tasks_depend_on_the_seed_alone() -> None:
    descriptors = noise(10, 10)
    first = classify(descriptors, Average(), 5, 1, 20, seed=1)
    np.testing.assert_array_equal(classify(descriptors, Average(), 5, 1, 20, seed=1), first)
    np.testing.assert_array_equal(classify(descriptors, Average(), 5, 1, 10, seed=1), first[:10])
    assert (classify(descriptors, Average(), 5, 1, 20, seed=2) != first).any()


def test_too_few_classes_for_a_task() -> None:
    with pytest.raises(S2MError, match="a 20-way 5-shot task"):
        classify(noise(10, 10), Average(), way=20, shot=5, tasks=1)


def test_descriptors_of_characters(letters: Characters) -> None:
    network = RelevanceNet(LeNet(), Average())
    network.train()
    found = describe_characters(network, letters, batch=7)
    assert found.shape == (12, 6, 100)
    assert not found.requires_grad
    assert not network.training
    pixels = torch.from_numpy(letters.images[3, 4]).float().div(255).reshape(1, 1, 28, 28)
    # A convolution of one image may sum in another order than that of seven.
    torch.testing.assert_close(found[3, 4], network.describe(pixels)[0].detach(), rtol=1e-4, atol=1e-6)


def test_every_character_has_one_rotation(letters: Characters) -> None:
    turned = one_rotation_each(letters, seed=0)
    assert len(turned) == 12
    assert [name.split("@")[0] for name in turned.names] == list(letters.names)
    angles = [int(name.split("@")[1]) for name in turned.names]
    assert len(set(angles)) > 1
    for index, angle in enumerate(angles):
        expected = np.rot90(letters.images[index], angle // 90, axes=(1, 2))
        np.testing.assert_array_equal(turned.images[index], expected)
    assert one_rotation_each(letters, seed=0).names == turned.names
    assert one_rotation_each(letters, seed=1).names != turned.names


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    covered = []
    for _ in range(2000):
        values = rng.normal(3.0, 2.0, size=4)
        covered.append(abs(values.mean() - 3.0) <= confidence95(values))
    # Four standard errors of a share of 0.95 among 2000.
    assert np.mean(covered) == pytest.approx(0.95, abs=4 * np.sqrt(0.95 * 0.05 / 2000))


def test_one_value_has_no_interval() -> None:
    assert np.isnan(confidence95([0.5]))
    assert confidence95([0.5, 0.5]) == 0
