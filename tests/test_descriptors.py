"""Descriptors are chosen, written and read as what they are."""

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from s2m import S2MError
from s2m.descriptors import Descriptors

FILES = ("é/1.jpg", "b/2.jpg", "é/3.jpg", "c/4.jpg")


@pytest.fixture
def descriptors() -> Descriptors:
    values = np.random.default_rng(0).random((4, 6)).astype(np.float16).astype(np.float32)
    labels, ranks = np.array([0, 1, 0, 2]), np.array([7, 1, 2, 9])
    skipped = (("b/0.jpg", "b/0.jpg is not a readable image"),)
    return Descriptors(values, labels, ("é", "b", "c"), FILES, "some", ranks, "small", skipped)


def test_classes_in_the_order_asked_for(descriptors: Descriptors) -> None:
    chosen = descriptors.select(["c", "é"])
    assert (chosen.classes, chosen.files) == (("c", "é"), ("é/1.jpg", "é/3.jpg", "c/4.jpg"))
    assert chosen.labels.tolist() == [1, 1, 0]
    assert chosen.ranks.tolist() == [7, 2, 9]
    np.testing.assert_array_equal(chosen.values, descriptors.values[[0, 2, 3]])
    assert (chosen.backbone, chosen.source, chosen.skipped) == ("small", "some", descriptors.skipped)
    with pytest.raises(S2MError, match="the first is 'd': choose among its `classes`"):
        descriptors.select(["d"])


@pytest.mark.parametrize("ranked", [True, False])
def test_written_and_read(descriptors: Descriptors, tmp_path: Path, ranked: bool) -> None:
    saved = descriptors if ranked else replace(descriptors, ranks=None, skipped=())
    saved.save(tmp_path / "a.npz")
    found = Descriptors.load(tmp_path / "a.npz")
    for field in fields(Descriptors):
        expected, value = getattr(saved, field.name), getattr(found, field.name)
        assert type(value) is type(expected), field.name
        np.testing.assert_array_equal(value, expected)
    assert found.values.dtype == np.float32
    saved.save(tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_the_file_is_small(tmp_path: Path) -> None:
    values = np.random.default_rng(0).standard_normal((700, 1280)).astype(np.float32)
    names = tuple(f"class{index}/image_{index:05d}.jpg" for index in range(700))
    Descriptors(values, np.zeros(700, np.int64), ("a",), names, "some", None, "b").save(tmp_path / "a.npz")
    assert (tmp_path / "a.npz").stat().st_size < 2.05 * values.size, "two bytes a number and little else"


def test_files_of_something_else(descriptors: Descriptors, tmp_path: Path) -> None:
    descriptors.save(tmp_path / "whole.npz")
    whole = (tmp_path / "whole.npz").read_bytes()
    np.savez(tmp_path / "other.npz", values=np.zeros(3))
    np.save(tmp_path / "array.npy", np.zeros(3))
    for content in (b"", b"text", whole[:-30], whole[:50], (tmp_path / "array.npy").read_bytes()):
        (tmp_path / "a.npz").write_bytes(content)
        with pytest.raises(S2MError, match=r"a\.npz is missing or damaged .*: give a file that `s2m describe` wrote"):
            Descriptors.load(tmp_path / "a.npz")
    with pytest.raises(S2MError, match=r"other\.npz holds no descriptors: give a file"):
        Descriptors.load(tmp_path / "other.npz")
    with pytest.raises(S2MError, match=r"no\.npz is missing or damaged"):
        Descriptors.load(tmp_path / "no.npz")


def test_what_does_not_fit_together(descriptors: Descriptors) -> None:
    with pytest.raises(S2MError, match=r"values have shape \(3, 6\): give \(M, d\), one row for each of 4 files"):
        replace(descriptors, values=descriptors.values[:3])
    with pytest.raises(S2MError, match="give one int64 for each file"):
        replace(descriptors, labels=descriptors.labels[:3])
