"""Generated characters: reproducible, whole, and about as hard as handwriting."""

import time

import numpy as np
import pytest

from s2m.datasets import Characters, generate_characters
from s2m.errors import S2MError


@pytest.fixture(scope="module")
def letters() -> Characters:
    return generate_characters(classes=100)


def test_shape_type_and_label(letters: Characters) -> None:
    assert letters.images.shape == (100, 20, 28, 28)
    assert letters.images.dtype == np.uint8
    assert letters.names[99] == "Generated/character0100"
    assert letters.source == "generated characters"


def test_the_seed_decides(letters: Characters) -> None:
    np.testing.assert_array_equal(generate_characters(classes=100).images, letters.images)
    other = generate_characters(classes=5, seed=1)
    assert all((mine != theirs).any() for mine, theirs in zip(other.images, letters.images))


def test_a_class_does_not_depend_on_how_many_follow(letters: Characters) -> None:
    few = generate_characters(classes=7)
    np.testing.assert_array_equal(few.images, letters.images[:7])
    assert few.names == letters.names[:7]


def test_ink_is_there_grey_at_its_edge_and_inside_the_frame(letters: Characters) -> None:
    assert letters.images.max(axis=(2, 3)).min() > 200
    assert ((letters.images > 0) & (letters.images < 255)).any(axis=(2, 3)).all()
    assert 12 < letters.images.mean() < 28  # Omniglot: 20.5
    frame = np.ones((28, 28), bool)
    frame[1:-1, 1:-1] = False
    assert letters.images[..., frame].mean() < 5  # a pen at the margin may just touch it


def test_no_two_drawings_are_the_same(letters: Characters) -> None:
    flat = letters.images.reshape(-1, 28 * 28)
    assert len(np.unique(flat, axis=0)) == len(flat)


def test_raw_pixels_are_neither_enough_nor_useless(letters: Characters) -> None:
    """5-way 5-shot, nearest example by the angle between raw images: chance is 0.2, Omniglot gives 0.74."""
    flat = letters.images.reshape(100, 20, -1).astype(np.float32)
    flat /= np.linalg.norm(flat, axis=2, keepdims=True)
    rng = np.random.default_rng(0)
    right = []
    for _ in range(400):
        classes, order = rng.choice(100, 5, replace=False), rng.permutation(20)
        examples, queries = flat[classes][:, order[:5]], flat[classes][:, order[5]]
        similarity = np.einsum("qn,wsn->qws", queries, examples).max(axis=2)
        right.append(similarity.argmax(axis=1) == np.arange(5))
    assert 0.6 < np.mean(right) < 0.85


def test_it_is_fast() -> None:
    start = time.process_time()
    generate_characters(classes=30)
    assert time.process_time() - start < 1  # 300 classes: about a second on an idle core


@pytest.mark.parametrize("asked", [{"classes": 0}, {"drawings": 0}, {"seed": -1}])
def test_nothing_to_draw_is_an_error(asked: dict[str, int]) -> None:
    with pytest.raises(S2MError, match="take at least 1, 1 and 0"):
        generate_characters(**asked)
