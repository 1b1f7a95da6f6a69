"""Packing photographs: from official files, from a small archive, and refusing what is not the set."""

import csv
import hashlib
import io
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import photo_packing
import pytest
from archives import members
from photo_packing import COLUMNS, Photo, Recipe, digest, index_digest, main, pack

from s2m import storage
from s2m.datasets import load_photos

ORIGINALS = {f"images/{kind}/{rank}.jpg": f"{kind} {rank} in full size".encode() for kind in "ba" for rank in (1, 2)}


def read(folder: Path) -> Iterator[Photo]:
    for name, content in members(folder / "official.zip", lambda name: True):
        yield Photo(name, name.split("/")[1], content, rank=name[-5], group="all")


def small(name: str) -> bytes:
    return b"small " + ORIGINALS[name]


def write(path: Path, content: dict[str, bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)


def write_small(path: Path, **replaced: bytes) -> None:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["path", "kind", "orig_sha256"])
    for name, data in ORIGINALS.items():
        writer.writerow([name, name.split("/")[1], hashlib.sha256(data).hexdigest()])
    writer.writerow(["logo.jpg", "", "0"])
    write(
        path,
        {
            "logo.jpg": b"",
            "index.csv": text.getvalue().encode(),
            **{name: small(name) for name in ORIGINALS},
            **replaced,
        },
    )


@pytest.fixture
def recipe() -> Recipe:
    photos = [Photo(name, name.split("/")[1], data, rank=name[-5], group="all") for name, data in ORIGINALS.items()]
    return Recipe(
        "flowers102",
        read,
        official=("official.zip",),
        small="little.zip",
        describe=lambda row: (row["kind"], row["path"][-5], "all") if row["kind"] else None,
        images=4,
        classes=2,
        index_sha256=index_digest(photo.row() for photo in photos),
        small_sha256=digest([(name, hashlib.sha256(small(name)).hexdigest()) for name in ORIGINALS]),
    )


@pytest.fixture
def source(tmp_path: Path) -> Path:
    write(tmp_path / "source" / "official.zip", ORIGINALS)
    return tmp_path / "source"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def run(recipe: Recipe, source: Path | None, out: Path) -> int:
    return main(recipe, [*(["--source", str(source)] if source else []), "--out", str(out)])


def error_of(capsys: pytest.CaptureFixture[str]) -> str:
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    return error


def nothing_in(folder: Path) -> bool:
    return not folder.exists() or not list(folder.iterdir())


def test_from_the_official_files(recipe: Recipe, source: Path, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(recipe, source, out) == 0
    assert "4 photographs" in capsys.readouterr().out
    images = load_photos("flowers102", out)
    assert images.files == tuple(sorted(ORIGINALS))
    assert images.classes == ("a", "b")
    assert images.ranks is not None
    assert images.ranks.tolist() == [1, 2, 1, 2]
    assert [images.read(index) for index in range(4)] == [ORIGINALS[name] for name in images.files]
    before = (out / "flowers102.zip").stat()
    assert run(recipe, None, out) == 0
    assert "is there and right" in capsys.readouterr().out
    assert (out / "flowers102.zip").stat() == before


def test_packing_twice_gives_the_same_bytes(recipe: Recipe, source: Path, out: Path) -> None:
    assert run(recipe, source, out) == run(recipe, source, out / "again") == 0
    assert (out / "flowers102.zip").read_bytes() == (out / "again" / "flowers102.zip").read_bytes()


def test_the_small_archive_gives_the_same_index(recipe: Recipe, source: Path, out: Path, tmp_path: Path) -> None:
    write_small(tmp_path / "all" / "little" / "little.zip")
    assert run(recipe, tmp_path / "all", out / "small") == 0
    assert run(recipe, source, out / "full") == 0
    archives = [zipfile.ZipFile(out / kind / "flowers102.zip") for kind in ("small", "full")]
    assert archives[0].read("index.csv") == archives[1].read("index.csv")
    assert archives[0].read("images/a/1.jpg") == small("images/a/1.jpg")
    rows = list(csv.DictReader(io.StringIO(archives[0].read("index.csv").decode())))
    assert tuple(rows[0]) == COLUMNS
    assert rows[0]["sha256"] == hashlib.sha256(ORIGINALS["images/a/1.jpg"]).hexdigest()


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({"images/b/1.jpg": None}, "3 images of 2 classes instead of 4 of 2"),
        ({"images/b/1.jpg": b"another"}, "the hash of the originals differs"),
        ({"images/../../b.jpg": b""}, "names a file outside its folder"),
    ],
)
def test_other_images_are_refused(
    recipe: Recipe, source: Path, out: Path, capsys: pytest.CaptureFixture[str], change: dict, cause: str
) -> None:
    content = {name: data for name, data in {**ORIGINALS, **change}.items() if data is not None}
    write(source / "official.zip", content)
    assert run(recipe, source, out) == 1
    assert cause in error_of(capsys)
    assert nothing_in(out)


@pytest.mark.parametrize(
    ("replaced", "cause"),
    [
        ({"images/b/1.jpg": b"another"}, "the hash of the small images differs"),
        ({"index.csv": b"path,kind\nimages/b/1.jpg,b\n"}, "no small archive of this set"),
        ({"index.csv": b"path,kind,orig_sha256\nx.jpg,b,0\n"}, "no small archive of this set"),
    ],
)
def test_another_small_archive_is_refused(
    recipe: Recipe, tmp_path: Path, out: Path, capsys: pytest.CaptureFixture[str], replaced: dict, cause: str
) -> None:
    write_small(tmp_path / "little.zip", **replaced)
    assert run(recipe, tmp_path, out) == 1
    assert cause in error_of(capsys)
    assert nothing_in(out)


def test_a_damaged_packed_set_is_packed_anew(
    recipe: Recipe, source: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(recipe, source, out) == 0
    path = out / "flowers102.zip"
    whole = path.read_bytes()
    for damaged in (whole[:-10], whole.replace(b"a 1 in full", b"a 1 in fool"), b"<html>"):
        path.write_bytes(damaged)
        assert run(recipe, source, out) == 0
        assert "is not the packed set" in capsys.readouterr().err
        assert path.read_bytes() == whole
    write(path, {"x": b""})
    assert run(recipe, source, out) == 0
    assert path.read_bytes() == whole


def test_what_cannot_be_found(recipe: Recipe, tmp_path: Path, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(recipe, tmp_path, out) == 1
    assert "holds no little.zip or official.zip: give the folder that does" in error_of(capsys)
    assert run(recipe, None, out) == 1
    assert "flowers102 cannot be downloaded: give the folder that holds it with --source" in error_of(capsys)
    alone = Recipe("imagenet", lambda folder: iter(()))
    assert run(alone, tmp_path, out) == 1
    assert "no photograph of imagenet was found" in error_of(capsys)
    assert run(alone, tmp_path / "missing", out) == 1
    assert "missing holds no folder" in error_of(capsys)
    assert nothing_in(out)


def test_what_is_missing_is_fetched(recipe: Recipe, source: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(url: str, path: Path, *, check, otherwise: str) -> None:
        assert (url, check) == ("https://home/x", len)
        assert otherwise == "give a folder that holds little.zip or official.zip with --source FOLDER"
        write(path, ORIGINALS)

    monkeypatch.setattr(photo_packing, "fetch", fetch)
    recipe = replace(recipe, downloads={"official.zip": ("https://home/x", len)})
    assert run(recipe, None, out) == 0
    assert (out / "flowers102" / "official.zip").is_file()
    (out / "flowers102.zip").unlink()
    monkeypatch.setattr(photo_packing, "fetch", None)  # not asked again
    assert run(recipe, None, out) == 0


def test_twice_the_same_place_is_refused(
    recipe: Recipe, out: Path, capsys: pytest.CaptureFixture[str], source: Path
) -> None:
    twice = replace(recipe, read=lambda folder: iter([Photo("images/a.jpg", "a", b"")] * 2))
    assert run(twice, source, out) == 1
    assert "images/a.jpg is there twice" in error_of(capsys)
    assert nothing_in(out)


def test_no_room_and_interrupted(
    recipe: Recipe, source: Path, out: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted() -> Iterator[Photo]:
        yield Photo("images/a.jpg", "a", b"half")
        raise KeyboardInterrupt

    assert run(replace(recipe, read=lambda folder: interrupted()), source, out) == 130
    assert nothing_in(out)
    capsys.readouterr()
    monkeypatch.setattr(storage.shutil, "disk_usage", lambda folder: type("Usage", (), {"free": 0})())
    assert run(recipe, source, out) == 1
    assert "0.0 MB free" in error_of(capsys)
    assert nothing_in(out)


def test_a_set_of_ones_own_is_not_compared(out: Path) -> None:
    out.mkdir()
    own = Recipe("imagenet", read)
    assert pack([Photo("images/a/1.jpg", "a", b"")], out / "imagenet.zip", own, 0) == 1
    assert run(own, None, out) == 0  # it is there
