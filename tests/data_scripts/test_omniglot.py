"""Reading, checking and packing Omniglot, on miniature archives; on the real ones where they are at hand."""

import hashlib
import io
import os
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import omniglot
import pytest
from omniglot import OMNIGLOT, Expected, main, pack
from omniglot_archive import shrink
from PIL import Image

from s2m import storage
from s2m.datasets.characters import PACKED_NAME, digest, read_packed

COUNTS = {"images_background.zip": 2, "images_evaluation.zip": 1}
PLACES = {
    "images_background.zip": ["Beta/character02", "Beta/character01"],
    "images_evaluation.zip": ["Alpha/character01"],
}
DRAWINGS = 3


def png(ink: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(~ink).save(buffer, "PNG")
    return buffer.getvalue()


def write_archive(path: Path, members: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)


class Miniature:
    """Three characters of two alphabets in two archives, and what the script is to expect of them."""

    def __init__(self, folder: Path) -> None:
        rng = np.random.default_rng(0)
        self.folder = folder
        self.ink = {
            name: rng.random((DRAWINGS, 105, 105)) < 0.2
            for name in ["Alpha/character01", "Beta/character01", "Beta/character02"]
        }
        folder.mkdir(parents=True)
        for archive in PLACES:
            write_archive(folder / archive, self.members(archive))
        small = np.stack([shrink(each) for each in self.ink.values()])
        pixels = hashlib.sha256(np.stack(list(self.ink.values())).astype(np.uint8).tobytes()).hexdigest()
        self.expected = Expected(COUNTS, DRAWINGS, pixels, digest(small, list(self.ink)))

    def members(self, archive: str) -> dict[str, bytes]:
        """In an order that is not sorted, with a folder entry as the upstream archives have."""
        stem = Path(archive).stem
        members = {f"{stem}/": b""}
        for name in PLACES[archive]:
            for drawing in reversed(range(DRAWINGS)):
                members[f"{stem}/{name}/0001_{drawing + 1:02d}.png"] = png(self.ink[name][drawing])
        return members

    def spoil(self, archive: str, change: dict[str, bytes]) -> None:
        write_archive(self.folder / archive, self.members(archive) | change)

    def run(self, out: Path, *more: str) -> int:
        return main(["--source", str(self.folder), "--out", str(out), *more], expected=self.expected)


@pytest.fixture
def miniature(tmp_path: Path) -> Miniature:
    return Miniature(tmp_path / "archives")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def error_of(capsys: pytest.CaptureFixture[str]) -> str:
    """What was printed: one line, an error."""
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1, lines
    assert lines[0].startswith("error: ")
    return lines[0]


def nothing_in(out: Path) -> bool:
    return not out.exists() or not any(out.iterdir())


def test_archives_become_one_packed_file(miniature: Miniature, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert miniature.run(out) == 0
    assert "3 characters" in capsys.readouterr().out
    packed = read_packed(out / PACKED_NAME, miniature.expected.packed_sha256)
    assert packed.names == tuple(miniature.ink)  # sorted over both archives
    np.testing.assert_array_equal(packed.images[2, 1], shrink(miniature.ink["Beta/character02"][1:2])[0])
    assert [path.name for path in out.iterdir()] == [PACKED_NAME]


def test_the_second_time_nothing_is_read(
    miniature: Miniature, out: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert miniature.run(out) == 0
    monkeypatch.setattr(omniglot, "read_archive", lambda *arguments: pytest.fail("read again"))
    assert miniature.run(out) == 0
    assert "is there and right" in capsys.readouterr().out


def test_a_damaged_packed_file_is_packed_anew(
    miniature: Miniature, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out.mkdir()
    (out / PACKED_NAME).write_bytes(b"half")
    assert miniature.run(out) == 0
    assert "packing it anew" in capsys.readouterr().err
    read_packed(out / PACKED_NAME, miniature.expected.packed_sha256)


def test_a_truncated_archive(miniature: Miniature, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = miniature.folder / "images_evaluation.zip"
    path.write_bytes(path.read_bytes()[:-500])
    assert miniature.run(out) == 1
    assert "images_evaluation.zip is not a whole zip archive" in error_of(capsys)
    assert nothing_in(out)


def test_a_flipped_byte(miniature: Miniature, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = miniature.folder / "images_evaluation.zip"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert miniature.run(out) == 1
    assert "CRC" in error_of(capsys)
    assert nothing_in(out)


FIRST = "images_background/Beta/character01/0001_01.png"


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({FIRST: b"no picture"}, "is not a whole PNG"),
        ({FIRST: png(np.zeros((105, 105), bool))[:60]}, "is not a whole PNG"),
        ({FIRST: png(np.zeros((28, 28), bool))}, r"is (28, 28) pixels instead of 105 x 105"),
        ({FIRST: png(np.zeros((105, 105), bool))}, "their hash differs"),
        (
            {"images_background/Beta/character03/0001_01.png": png(np.ones((105, 105), bool))},
            "3 characters instead of 2",
        ),
        ({"images_background/Beta/character01/0001_09.png": png(np.ones((105, 105), bool))}, "4 drawings of Beta/char"),
        ({"images_background/../../evil.txt": b"x"}, "names a file outside its folder"),
        ({"/evil.png": b"x"}, "names a file outside its folder"),
        ({"elsewhere/Beta/character01/0001_01.png": b"x"}, "not images_background/Alphabet/characterNN/NNNN_NN.png"),
    ],
)
def test_wrong_archives_are_refused(
    miniature: Miniature, out: Path, capsys: pytest.CaptureFixture[str], change: dict[str, bytes], cause: str
) -> None:
    miniature.spoil("images_background.zip", change)
    assert miniature.run(out) == 1
    error = error_of(capsys)
    assert cause in error
    assert "run again" in error
    assert nothing_in(out)


def test_an_archive_is_missing(miniature: Miniature, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (miniature.folder / "images_evaluation.zip").unlink()
    assert miniature.run(out) == 1
    assert "has no images_evaluation.zip: give the folder" in error_of(capsys)


def test_packing_that_went_wrong_is_not_written(
    miniature: Miniature, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    miniature.expected = replace(miniature.expected, packed_sha256="0" * 64)
    assert miniature.run(out) == 1
    assert "another packed file" in error_of(capsys)
    assert nothing_in(out)


def test_no_room(
    miniature: Miniature, out: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage.shutil, "disk_usage", lambda folder: type("Usage", (), {"free": 0})())
    assert miniature.run(out) == 1
    assert "0.0 MB free" in error_of(capsys)
    assert nothing_in(out)


def test_archives_in_the_data_folder_need_no_download(miniature: Miniature) -> None:
    def run(out: Path) -> int:
        return main(["--out", str(out)], home="http://127.0.0.1:1/", expected=miniature.expected)

    assert run(miniature.folder) == 0
    (miniature.folder / PACKED_NAME).unlink()
    outer = miniature.folder.parent / "outer"
    outer.mkdir()
    miniature.folder.rename(outer / "omniglot")
    assert run(outer) == 0
    assert (outer / PACKED_NAME).is_file()


def test_what_is_missing_is_fetched_from_home(miniature: Miniature, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(url: str, path: Path, *, check, otherwise: str) -> None:
        assert url == f"https://home/{path.name}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes((miniature.folder / path.name).read_bytes())
        check(path)

    monkeypatch.setattr(omniglot, "fetch", fetch)
    assert main(["--out", str(out)], home="https://home/", expected=miniature.expected) == 0
    assert (out / PACKED_NAME).is_file()


def test_a_download_that_is_no_archive_is_refused(miniature: Miniature) -> None:
    path = miniature.folder / "images_background.zip"
    omniglot.require_whole_zip(path)
    data = bytearray(path.read_bytes())
    path.write_bytes(b"<html>please log in</html>")
    with pytest.raises(omniglot.S2MError, match="not a whole zip"):
        omniglot.require_whole_zip(path)
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(omniglot.S2MError, match="damaged"):
        omniglot.require_whole_zip(path)


def test_interrupted(miniature: Miniature, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(omniglot.np, "savez_compressed", lambda file, **arrays: interrupt(file.write(b"half")))
    assert miniature.run(out) == 130
    assert nothing_in(out)


def test_shrinking_keeps_the_amount_of_ink() -> None:
    """Against a slow average over the area: cut every pixel in 4 x 4, then average blocks of 15 x 15."""
    ink = np.random.default_rng(1).random((4, 105, 105)) < 0.3
    fine = np.repeat(np.repeat(ink, 4, axis=1), 4, axis=2).reshape(4, 28, 15, 28, 15)
    oracle = 255 * fine.mean(axis=(2, 4))
    assert np.abs(shrink(ink) - oracle).max() <= 0.5 + 1e-9
    assert (shrink(np.ones((1, 105, 105), bool)) == 255).all()
    assert (shrink(np.zeros((1, 105, 105), bool)) == 0).all()


def raw_omniglot() -> Path | None:
    folders = [Path(os.environ["S2M_DATA"])] if "S2M_DATA" in os.environ else []
    folders += [Path(__file__).parents[2] / "data"]
    inner = [place for folder in folders for place in (folder, folder / "omniglot")]
    return next((place for place in inner if all((place / name).is_file() for name in OMNIGLOT.characters)), None)


@pytest.mark.skipif(raw_omniglot() is None, reason="no raw Omniglot archives in S2M_DATA or data/: see `make data`")
def test_the_real_archives(tmp_path: Path) -> None:
    source = raw_omniglot()
    assert source is not None
    start = time.process_time()
    pack(source, tmp_path / PACKED_NAME)
    assert time.process_time() - start < 30
    assert read_packed(tmp_path / PACKED_NAME).images.shape == (1623, 20, 28, 28)
