"""Each photograph is decoded and embedded once, whatever happens in between."""

import os
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from s2m import ImageSet, S2MError, describing
from s2m.backbones import Backbone, Preparation
from s2m.descriptors import describe_photos
from s2m.images import read_photo

Make = Callable[..., Backbone]
COUNT = 11


@pytest.fixture
def images(tmp_path: Path) -> ImageSet:
    """Eleven small pictures of three classes, with ranks."""
    dice = np.random.default_rng(0)
    files = tuple(f"class{index % 3}/{index:02d}.png" for index in range(COUNT))
    for file in files:
        (tmp_path / "set" / file).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(dice.integers(0, 256, (12, 15, 3), np.uint8)).save(tmp_path / "set" / file)
    labels = np.arange(COUNT) % 3
    return ImageSet(tmp_path / "set", files, labels, ("class0", "class1", "class2"), "noise", np.arange(1, COUNT + 1))


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(describing, "SHARD", 4)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that were decoded, as they are."""
    names: list[str] = []

    def spy(source: bytes, name: str) -> Image.Image:
        names.append(name)
        return read_photo(source, name)

    monkeypatch.setattr(describing, "read_photo", spy)
    return names


def pack(images: ImageSet, path: Path) -> ImageSet:
    with zipfile.ZipFile(path, "w") as archive:
        for index, file in enumerate(images.files):
            archive.writestr(file, images.read(index))
    return replace(images, root=path)


def test_the_features_of_every_image(images: ImageSet, make_backbone: Make, tmp_path: Path) -> None:
    backbone = make_backbone()
    for folder, batch, threads in ((tmp_path / "a", 3, 1), (tmp_path / "b", 32, 4)):
        found = describe_photos(images, backbone, folder, batch, threads)
        photos = [read_photo(images.root / file) for file in images.files]
        expected = backbone(torch.stack([backbone.prepare(photo) for photo in photos]))
        assert found.values.dtype == np.float32
        np.testing.assert_allclose(found.values, expected, rtol=2**-10)  # float16 keeps 11 bits
        assert (found.files, found.classes, found.source) == (images.files, images.classes, "noise")
        assert (found.backbone, found.skipped) == ("small", ())
        np.testing.assert_array_equal(found.labels, images.labels)
        np.testing.assert_array_equal(found.ranks, images.ranks)
        assert [path.suffix for path in folder.iterdir()] == [".npz"], "the parts are gone"


def test_once(images: ImageSet, make_backbone: Make, tmp_path: Path, read: list[str]) -> None:
    first = describe_photos(images, make_backbone(), tmp_path / "cache")
    assert sorted(read) == sorted(images.files)
    again = describe_photos(replace(images, source="renamed"), make_backbone(), tmp_path / "cache")
    assert len(read) == COUNT
    np.testing.assert_array_equal(again.values, first.values)
    assert again.source == "renamed", "what is not in the pictures is not from the file"


def test_anew_where_network_preparation_or_pictures_change(
    images: ImageSet, make_backbone: Make, tmp_path: Path, read: list[str]
) -> None:
    def count(images: ImageSet, backbone: Backbone) -> int:
        before = len(read)
        describe_photos(images, backbone, tmp_path / "cache")
        return len(read) - before

    packed = pack(images, tmp_path / "set.zip")
    assert count(images, make_backbone()) == COUNT
    assert count(packed, make_backbone()) == COUNT
    assert count(images, make_backbone(seed=1)) == COUNT
    assert count(images, make_backbone(fast=True)) == COUNT
    assert count(images, make_backbone(preparation=Preparation(9, 8))) == COUNT
    assert count(images.select(["class1"]), make_backbone()) == 4
    Image.new("RGB", (9, 9), "red").save(images.root / images.files[0])
    assert count(images, make_backbone()) == COUNT
    stamp = (images.root / images.files[1]).stat().st_mtime_ns
    os.utime(images.root / images.files[1], ns=(stamp, stamp + 1))  # changed, to the same size
    assert count(images, make_backbone()) == COUNT
    assert count(pack(images, tmp_path / "again.zip"), make_backbone()) == COUNT  # one checksum is another
    assert count(images, make_backbone()) == 0


def test_a_killed_run_goes_on(
    images: ImageSet, make_backbone: Make, tmp_path: Path, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = describe_photos(images, make_backbone(), tmp_path / "whole")
    embed, calls = describing.embed, []

    def killed(*arguments: object) -> describing.Embedded:
        calls.append(arguments)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return embed(*arguments)

    monkeypatch.setattr(describing, "embed", killed)
    with pytest.raises(KeyboardInterrupt):
        describe_photos(images, make_backbone(), tmp_path / "cache")
    monkeypatch.setattr(describing, "embed", embed)
    read.clear()
    found = describe_photos(images, make_backbone(), tmp_path / "cache")
    assert sorted(read) == sorted(images.files[8:]), "two parts of four are kept"
    np.testing.assert_array_equal(found.values, whole.values)
    assert found.files == whole.files


def test_unreadable_images_are_listed_and_told(
    images: ImageSet, make_backbone: Make, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broken = (1, *range(4, 8), 10)  # the second part is all broken
    for index in broken:
        (images.root / images.files[index]).write_bytes(b"" if index % 2 else b"no image")
    for _ in range(2):  # the second time from the file
        caplog.clear()
        found = describe_photos(images, make_backbone(), tmp_path / "cache", batch=2)
        assert [file for file, _ in found.skipped] == [images.files[index] for index in broken]
        assert all(file in why and "not a readable image" in why for file, why in found.skipped)
        assert "6 of 11 images are left out, the first: class1/01.png is not a readable image" in caplog.text
        kept = [index for index in range(COUNT) if index not in broken]
        assert found.files == tuple(images.files[index] for index in kept)
        np.testing.assert_array_equal(found.labels, images.labels[kept])
        np.testing.assert_array_equal(found.ranks, images.ranks[kept])
        assert len(found.values) == len(kept)


def test_what_is_refused(images: ImageSet, make_backbone: Make, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    with pytest.raises(S2MError, match=r"cannot read .*set\.zip \(.*\): get the set anew"):
        describe_photos(replace(images, root=tmp_path / "set.zip"), make_backbone(), cache)
    wrong = make_backbone()
    wrong.body[0].bias.data[:] = 1e9
    with pytest.raises(S2MError, match="small gives features beyond float16"):
        describe_photos(images, wrong, cache)
    for file in images.files:
        (images.root / file).write_bytes(b"")
    with pytest.raises(S2MError, match=r"none of the 11 images of noise can be read, the first: class0/00\.png is not"):
        describe_photos(images, make_backbone(), cache)
    nothing = ImageSet(images.root, (), images.labels[:0], ("class0",), "noise")
    with pytest.raises(S2MError, match="noise holds no images"):
        describe_photos(nothing, make_backbone(), cache)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(S2MError, match="cannot write"):
        describe_photos(pack(images, tmp_path / "set.zip"), make_backbone(), tmp_path / "file")


def test_a_damaged_file_is_told(images: ImageSet, make_backbone: Make, tmp_path: Path) -> None:
    describe_photos(images, make_backbone(), tmp_path / "cache")
    (path,) = (tmp_path / "cache").iterdir()
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(S2MError, match=r"\.npz is missing or damaged .*: delete it, it is computed anew"):
        describe_photos(images, make_backbone(), tmp_path / "cache")


def test_where_the_files_are(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("S2M_CACHE", raising=False)
    assert describing.cache_folder() == tmp_path / ".cache" / "s2m"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "x"))
    assert describing.cache_folder() == tmp_path / "x" / "s2m"
    monkeypatch.setenv("S2M_CACHE", str(tmp_path / "y"))
    assert describing.cache_folder() == tmp_path / "y"
