"""What is drawn at a step depends on (seed, step) alone, and is what the names say."""

import numpy as np
import pytest

from s2m import S2MError
from s2m.episodes import Tuples, draw_task, draw_tuples, generator, take


def pairs(values: np.ndarray) -> set[tuple[int, int]]:
    return {(int(a), int(b)) for a, b in values.reshape(-1, 2)}


def draw(seed: int, step: int, stream: str = "train") -> Tuples:
    return draw_tuples(generator(seed, stream, step), (30, 20), tuples=4, examples=5, relevant=15, irrelevant=20)


def same(one: Tuples, other: Tuples) -> bool:
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in vars(one))


def test_a_step_is_a_function_of_seed_stream_and_step() -> None:
    first = draw(1, 7)
    draw(1, 8), draw(2, 7)  # nothing that is drawn in between matters
    assert same(draw(1, 7), first)
    for other in (draw(2, 7), draw(1, 8), draw(1, 7, "validation")):
        assert not same(other, first)


def test_tuples_are_what_they_are_called() -> None:
    for step in range(50):
        tuples = draw(0, step)
        assert tuples.examples.shape == (4, 5, 2)
        assert tuples.relevant.shape == (4, 15, 2)
        assert tuples.irrelevant.shape == (4, 20, 2)
        for x, positive, negative in zip(tuples.examples, tuples.relevant, tuples.irrelevant, strict=True):
            concept = x[0, 0]
            assert (x[:, 0] == concept).all()
            assert (positive[:, 0] == concept).all()
            assert (negative[:, 0] != concept).all()
            assert len(pairs(x)) == 5
            assert len(pairs(positive)) == 15
            assert not pairs(x) & pairs(positive)
            assert ((negative >= 0) & (negative < (30, 20))).all()


def test_every_class_and_every_other_class_is_drawn_alike() -> None:
    tuples = draw_tuples(generator(0, "train", 0), (5, 10), tuples=4000, examples=1, relevant=1, irrelevant=3)
    concepts = np.bincount(tuples.examples[:, 0, 0], minlength=5) / 4000
    # Four standard errors of a share p among m draws: 4 sqrt(p (1 - p) / m).
    np.testing.assert_allclose(concepts, 0.2, atol=4 * np.sqrt(0.16 / 4000))
    shift = (tuples.irrelevant[..., 0] - tuples.examples[:, :1, 0]) % 5
    np.testing.assert_allclose(
        np.bincount(shift.ravel(), minlength=5)[1:] / 12000, 0.25, atol=4 * np.sqrt(0.19 / 12000)
    )
    drawings = np.bincount(tuples.irrelevant[..., 1].ravel(), minlength=10) / 12000
    np.testing.assert_allclose(drawings, 0.1, atol=4 * np.sqrt(0.09 / 12000))


def test_concepts_can_be_distinct() -> None:
    tuples = draw_tuples(generator(0, "train", 0), (6, 10), 6, 2, 3, 0, distinct=True)
    assert sorted(tuples.examples[:, 0, 0]) == list(range(6))
    assert tuples.irrelevant.shape == (6, 0, 2)
    with pytest.raises(S2MError, match="7 distinct concepts out of 6 classes: ask for fewer tuples"):
        draw_tuples(generator(0, "train", 0), (6, 10), 7, 2, 3, 0, distinct=True)


def test_two_classes_are_enough() -> None:
    tuples = draw_tuples(generator(0, "train", 0), (2, 2), tuples=50, examples=1, relevant=1, irrelevant=4)
    assert (tuples.irrelevant[..., 0] == 1 - tuples.examples[:, :1, 0]).all()


@pytest.mark.parametrize(("classes", "drawings"), [(1, 20), (30, 19)])
def test_too_little_to_draw_tuples_from(classes: int, drawings: int) -> None:
    with pytest.raises(
        S2MError, match=f"5 examples and 15 relevant .* {classes} classes with {drawings} drawings: ask"
    ):
        draw_tuples(generator(0, "train", 0), (classes, drawings), 1, 5, 15, 20)


def test_tasks_have_distinct_classes_and_disjoint_drawings() -> None:
    for step in range(50):
        task = draw_task(generator(0, "test", step), (30, 20), way=5, shot=3, queries=17)
        assert task.examples.shape == (5, 3, 2)
        assert task.queries.shape == (5, 17, 2)
        assert len(set(task.examples[:, 0, 0].tolist())) == 5
        assert (task.examples[..., 0] == task.examples[:, :1, 0]).all()
        assert (task.queries[..., 0] == task.examples[:, :1, 0]).all()
        assert len(pairs(task.examples)) == 15
        assert len(pairs(task.queries)) == 85
        assert not pairs(task.examples) & pairs(task.queries)


@pytest.mark.parametrize(("way", "queries"), [(31, 17), (5, 18)])
def test_too_little_to_draw_a_task_from(way: int, queries: int) -> None:
    with pytest.raises(
        S2MError, match=f"{way}-way 3-shot task with {queries} queries .* 30 classes with 20 drawings: ask"
    ):
        draw_task(generator(0, "test", 0), (30, 20), way, 3, queries)


def test_take_reads_entries_at_pairs() -> None:
    values = np.arange(12).reshape(3, 4)
    assert take(values, np.array([[[0, 1], [2, 3]]])).tolist() == [[1, 11]]
