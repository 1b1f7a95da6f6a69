"""Characters, the packed file, and where it is looked for."""

import logging
import os
import time
from pathlib import Path

import numpy as np
import pytest

from s2m.datasets import Characters, characters, generate_characters, load_characters, loading, places
from s2m.datasets.characters import PACKED_NAME, digest, read_packed
from s2m.errors import S2MError


@pytest.fixture
def letters() -> Characters:
    images = np.random.default_rng(0).integers(0, 256, size=(3, 2, 28, 28), dtype=np.uint8)
    return Characters(images, ("A/character01", "A/character02", "B/character01"), "Omniglot")


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder, no S2M_DATA, no data beside the package."""
    monkeypatch.delenv("S2M_DATA", raising=False)
    monkeypatch.setattr(places, "BESIDE", tmp_path / "clone" / "data")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(folder: Path, letters: Characters, sha256: str | None = None) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    carried = sha256 or digest(letters.images, letters.names)
    np.savez_compressed(
        folder / PACKED_NAME, images=letters.images, names=np.array(letters.names), sha256=np.array(carried)
    )
    return folder / PACKED_NAME


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten generated characters instead of 300: what they look like does not matter here."""
    monkeypatch.setattr(loading, "generate_characters", lambda: generate_characters(classes=10))


def put_archives(folder: Path) -> None:
    folder.mkdir(parents=True)
    for name in loading.ARCHIVES:
        (folder / name).touch()


def test_select_keeps_the_order_asked_for(letters: Characters) -> None:
    chosen = letters.select(["B/character01", "A/character01"])
    assert chosen.names == ("B/character01", "A/character01")
    np.testing.assert_array_equal(chosen.images, letters.images[[2, 0]])
    assert chosen.source == letters.source


def test_select_names_what_is_missing(letters: Characters) -> None:
    with pytest.raises(S2MError, match=r"1 of 2 .* 'C/character01'"):
        letters.select(["A/character01", "C/character01"])


def test_rotated_makes_four_classes_of_one(letters: Characters) -> None:
    turned = letters.rotated()
    assert turned.images.shape == (12, 2, 28, 28)
    assert turned.names[2::3] == tuple(f"B/character01@{angle}" for angle in (0, 90, 180, 270))
    for turns in range(4):
        np.testing.assert_array_equal(turned.images[3 * turns + 1, 1], np.rot90(letters.images[1, 1], turns))


@pytest.mark.parametrize(
    ("images", "names", "cause"),
    [
        (np.zeros((2, 3, 28, 28), np.float32), ("a", "b"), "float32"),
        (np.zeros((2, 28, 28), np.uint8), ("a", "b"), r"\(2, 28, 28\)"),
        (np.zeros((2, 3, 28, 27), np.uint8), ("a", "b"), "side"),
        (np.zeros((2, 3, 28, 28), np.uint8), ("a",), "1 names"),
        (np.zeros((2, 3, 28, 28), np.uint8), ("a", "a"), "share a name"),
    ],
)
def test_wrong_characters_are_refused(images: np.ndarray, names: tuple[str, ...], cause: str) -> None:
    with pytest.raises(S2MError, match=cause):
        Characters(images, names, "test")


def test_the_digest_sees_pixels_names_and_shape(letters: Characters) -> None:
    images, names = letters.images, letters.names
    other = images.copy()
    other[0, 0, 0, 0] ^= 1
    assert digest(images.copy(), list(names)) == digest(images, names)
    different = {
        digest(images, names),
        digest(other, names),
        digest(images, names[::-1]),
        digest(images.reshape(3, 1, 56, 28), names),
    }
    assert len(different) == 4


def test_packed_file_comes_back(tmp_path: Path, letters: Characters) -> None:
    back = read_packed(write(tmp_path, letters), digest(letters.images, letters.names))
    np.testing.assert_array_equal(back.images, letters.images)
    assert (back.names, back.source) == (letters.names, "Omniglot")


def test_a_damaged_or_foreign_file_is_refused(tmp_path: Path, letters: Characters) -> None:
    path = write(tmp_path, letters)
    with pytest.raises(S2MError, match="does not hold the expected characters: delete"):
        read_packed(path)
    with pytest.raises(S2MError, match="do not match its own hash: delete"):
        read_packed(write(tmp_path, letters, sha256="0" * 64))
    np.savez(path, images=letters.images)
    with pytest.raises(S2MError, match=r"cannot be read .*names.*: delete"):
        read_packed(path)
    whole = write(tmp_path, letters).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(S2MError, match="truncated"):
        read_packed(path)
    path.write_bytes(whole[:100] + bytes([whole[100] ^ 255]) + whole[101:])
    with pytest.raises(S2MError, match=r"cannot be read|own hash"):
        read_packed(path)


def test_folders_are_tried_in_order(alone: Path, letters: Characters, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(characters, "PACKED_SHA256", digest(letters.images, letters.names))
    assert loading.packed_path() is None
    write(alone / "clone" / "data", letters)
    assert loading.packed_path() == alone / "clone" / "data" / PACKED_NAME
    write(alone / "data", letters)
    assert loading.packed_path() == Path("data") / PACKED_NAME
    monkeypatch.setenv("S2M_DATA", str(alone / "set"))
    assert loading.packed_path() is None  # S2M_DATA says where data live: nothing else is looked at
    write(alone / "set", letters)
    assert loading.packed_path() == alone / "set" / PACKED_NAME
    assert loading.packed_path(alone / "elsewhere") is None
    assert load_characters("omniglot").names == letters.names
    assert load_characters().source == "Omniglot"


def test_without_omniglot_auto_generates_and_omniglot_says_how_to_get_it(
    alone: Path, few: None, caplog: pytest.LogCaptureFixture
) -> None:
    assert load_characters().source == "generated characters"
    assert not caplog.records
    with pytest.raises(S2MError, match=r"no omniglot-28.npz in data or .*`make data`, or set S2M_DATA"):
        load_characters("omniglot")
    with pytest.raises(S2MError, match="choose auto, omniglot or generated"):
        load_characters("mnist")


@pytest.mark.parametrize("inner", ["", "omniglot"])
def test_raw_archives_are_told_to_be_packed(
    alone: Path,
    few: None,
    letters: Characters,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    inner: str,
) -> None:
    put_archives(alone / "raw" / inner)
    monkeypatch.setenv("S2M_DATA", str(alone / "raw"))
    with pytest.raises(S2MError, match=r"raw archives .* pack them with .*--source"):
        load_characters("omniglot")
    with caplog.at_level(logging.WARNING):
        assert load_characters().source == "generated characters"
    assert "pack them with" in caplog.text
    packed = write(alone / "data", letters)
    assert loading.packed_path() == packed.relative_to(alone)


def packed_omniglot() -> Path | None:
    folders = [Path(os.environ["S2M_DATA"])] if "S2M_DATA" in os.environ else []
    folders += [Path(__file__).parents[2] / "data"]
    return next((folder / PACKED_NAME for folder in folders if (folder / PACKED_NAME).is_file()), None)


@pytest.mark.skipif(packed_omniglot() is None, reason="Omniglot is not packed here: run `make data`")
def test_omniglot_itself() -> None:
    path = packed_omniglot()
    assert path is not None
    start = time.process_time()
    omniglot = load_characters("omniglot", path.parent)
    assert time.process_time() - start < 1
    assert omniglot.images.shape == (1623, 20, 28, 28)
    assert list(omniglot.names) == sorted(omniglot.names)
    assert omniglot.images.max(axis=(2, 3)).min() > 0  # no drawing is empty
    assert 15 < omniglot.images.mean() < 25  # ink is bright, and there is little of it
