"""Sets of photographs: packed, in folders, and broken in every way we know."""

import os
import pickle
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from s2m.datasets import image_set, load_photos, places
from s2m.errors import S2MError

CONTENT = {f"images/{kind}/{number:03d}.jpg": f"{kind} {number}".encode() * 50 for kind in "bac" for number in (1, 2)}


def write_packed(path: Path, header: str = "path,class,sha256,rank,group", rank: str = "") -> Path:
    """Six stand-ins for images: a packed set does not care what its bytes are."""
    rows = [f"{name},{name.split('/')[1]}/top,,{rank and int(name[-7:-4])},\n" for name in CONTENT]
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("index.csv", header + "\n" + "".join(rows))
        for name, data in CONTENT.items():
            archive.writestr(name, data)
    return path


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data folder, and no other place to look."""
    monkeypatch.setenv("S2M_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(places, "BESIDE", tmp_path / "clone")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "data"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, content in CONTENT.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path / "images"


def test_a_packed_set(data: Path) -> None:
    write_packed(data / "google_web.zip", rank="yes")
    images = load_photos("google_web")
    assert (images.source, images.root) == ("Google Images", data / "google_web.zip")
    assert images.classes == ("a/top", "b/top", "c/top")
    assert images.files == tuple(CONTENT)
    assert images.labels.tolist() == [1, 1, 0, 0, 2, 2]
    assert images.ranks is not None
    assert images.ranks.tolist() == [1, 2] * 3
    assert [images.read(index) for index in range(len(images))] == list(CONTENT.values())


def test_it_may_lie_elsewhere(data: Path, tmp_path: Path) -> None:
    path = write_packed(tmp_path / "else" / "flowers102.zip")
    assert load_photos("flowers102", tmp_path / "else").ranks is None
    assert load_photos(path).source == "Flowers-102"


def test_classes_are_selected_in_the_order_asked_for(data: Path) -> None:
    images = load_photos(write_packed(data / "x.zip", rank="yes")).select(["c/top", "a/top"])
    assert images.classes == ("c/top", "a/top")
    assert images.labels.tolist() == [1, 1, 0, 0]
    assert images.read(2) == b"c 1" * 50
    assert images.ranks is not None
    assert images.ranks.tolist() == [1, 2, 1, 2]


def test_a_folder_of_class_folders(folder: Path) -> None:
    (folder / ".cache").mkdir()
    (folder / "notes.txt").touch()
    (folder / "a" / "deep").mkdir()
    (folder / "a" / "001.jpg").rename(folder / "a" / "deep" / "001.JPG")
    images = load_photos(folder)
    assert images.classes == ("a", "b", "c")
    assert images.files == ("a/002.jpg", "a/deep/001.JPG", "b/001.jpg", "b/002.jpg", "c/001.jpg", "c/002.jpg")
    assert images.read(1) == b"a 1" * 50
    assert images.ranks is None
    assert images.source == str(folder)
    assert load_photos(str(folder)).files == images.files


def test_a_folder_of_search_results_has_ranks(folder: Path) -> None:
    for kind in "abc":
        (folder / kind / "index.csv").touch()
    ranks = load_photos(folder).ranks
    assert ranks is not None
    assert ranks.tolist() == [1, 2] * 3


def test_many_threads_read_at_once(data: Path) -> None:
    images = load_photos(write_packed(data / "x.zip"))
    wanted = list(range(6)) * 200
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(images.read, wanted))
    assert found == [list(CONTENT.values())[index] for index in wanted]


def test_every_process_opens_the_archive_for_itself(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a fork two processes would share one place in an open file."""
    images = load_photos(write_packed(data / "x.zip"))
    images.read(0)
    opened: list[Path] = []
    zip_file = zipfile.ZipFile
    monkeypatch.setattr(zipfile, "ZipFile", lambda path: opened.append(path) or zip_file(path))
    images.read(1)
    assert not opened
    monkeypatch.setattr(image_set.os, "getpid", lambda: -1)
    assert pickle.loads(pickle.dumps(images)).read(1) == b"b 2" * 50
    assert opened == [images.root]


def test_a_set_that_is_packed_anew_is_read_anew(data: Path) -> None:
    path = write_packed(data / "caltech101.zip")
    images = load_photos("caltech101")
    assert images.read(0) == CONTENT[images.files[0]]
    other = path.with_name("other.zip")
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr(images.files[0], b"another image")
    os.utime(other, ns=(0, path.stat().st_mtime_ns + 1))
    other.replace(path)
    assert images.read(0) == b"another image"


def test_an_absent_set_names_the_command(data: Path) -> None:
    with pytest.raises(
        S2MError, match=r"Flowers-102 is not there, .* get it with `python data_scripts/flowers102.py`$"
    ):
        load_photos("flowers102")
    with pytest.raises(S2MError, match=r"neither a set nor a folder: choose flowers102, .*, or a folder"):
        load_photos("flowers")


def test_a_raw_archive_is_to_be_packed(data: Path) -> None:
    write_packed(data / "google_web_raw" / "google_web_raw.zip", header="path,query")
    with pytest.raises(S2MError, match=r"get it with `python data_scripts/google_web.py --source \S+ --out data`"):
        load_photos("google_web")
    write_packed(Path("data") / "google_web.zip")
    assert len(load_photos("google_web")) == 6
    with pytest.raises(S2MError, match=r"damaged or no packed set .*: delete it and pack it again"):
        load_photos(data / "google_web_raw" / "google_web_raw.zip")


DAMAGED = "damaged or no packed set .*: delete it and run `python data_scripts/flowers102.py`"


@pytest.mark.parametrize("damage", ["cut", "no zip", "no index", "another index"])
def test_a_damaged_archive(data: Path, damage: str) -> None:
    path = write_packed(data / "flowers102.zip")
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-30])
    elif damage == "no zip":
        path.write_bytes(b"<html>")
    elif damage == "no index":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("other", "")
    else:
        write_packed(path, header="name,label")
    with pytest.raises(S2MError, match=DAMAGED):
        load_photos("flowers102")


@pytest.mark.parametrize(
    ("rows", "cause"),
    [
        ("x.jpg,a,,,\ny.jpg,a,,,\nz.jpg,a,,,\n", DAMAGED),  # z.jpg is not there
        ("x.jpg,a,,1,\ny.jpg,a,,,\n", DAMAGED),  # some have ranks
        ("", DAMAGED),
        ("x.jpg,a,,,\n", "class 'a' .* has 1 images"),
    ],
    ids=["a file is missing", "some ranks", "no rows", "a small class"],
)
def test_an_index_that_does_not_fit(data: Path, rows: str, cause: str) -> None:
    path = data / "flowers102.zip"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("index.csv", "path,class,sha256,rank,group\n" + rows)
        archive.writestr("x.jpg", b"")
        archive.writestr("y.jpg", b"")
    with pytest.raises(S2MError, match=cause):
        load_photos("flowers102")


def test_damage_inside_is_found_when_it_is_read(data: Path) -> None:
    path = write_packed(data / "x.zip")
    images = load_photos(path)
    content = bytearray(path.read_bytes())
    content[content.index(b"b 1b 1")] ^= 1
    path.write_bytes(content)
    with pytest.raises(S2MError, match=r"cannot read images/b/001.jpg in .*CRC.*: get the set anew"):
        images.read(0)
    assert images.read(1) == b"b 2" * 50
    with pytest.raises(S2MError, match="cannot read a"):
        replace(images, root=data, files=tuple("abcdef")).read(0)


def test_too_few_images(folder: Path) -> None:
    (folder / "b" / "001.jpg").unlink()
    with pytest.raises(S2MError, match=r"class 'b' in .* has 1 images, at least 2 are needed: add some, or remove"):
        load_photos(folder)
    (folder / "b" / "002.jpg").unlink()
    with pytest.raises(S2MError, match="b holds no image"):
        load_photos(folder)


def test_no_class_folders(folder: Path) -> None:
    with pytest.raises(S2MError, match="a has no class folders: put the images of each class into a folder"):
        load_photos(folder / "a")


def test_a_set_that_does_not_fit_together(data: Path) -> None:
    images = load_photos(write_packed(data / "x.zip"))
    for change, cause in [
        ({"labels": images.labels[1:]}, r"labels are int64 \(5,\)"),
        ({"ranks": np.ones(6)}, r"ranks are float64 \(6,\)"),
        ({"labels": images.labels + 1}, r"outside 0\.\.2"),
        ({"classes": ("a", "b", "a")}, "named twice"),
        ({"files": images.files[:1] * 6}, "named twice"),
    ]:
        with pytest.raises(S2MError, match=cause):
            replace(images, **change)
    with pytest.raises(S2MError, match="1 of 2 classes are not in x, the first is 'd'"):
        images.select(["a/top", "d"])
    with pytest.raises(S2MError, match="no class is asked for"):
        images.select([])
    with pytest.raises(S2MError, match="named twice"):
        images.select(["a/top", "a/top"])
