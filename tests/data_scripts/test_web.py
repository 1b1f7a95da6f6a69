"""Collecting concept sets from a server on this machine, for an engine that is made up here."""

import csv
import io
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import web
import web_search
from PIL import Image
from pretended_web import NOWHERE, Engine, Result, Server, serving
from web_folder import COLUMNS, folder_name, read_index

from s2m import images
from s2m.datasets.photos import load_photos


def picture(seed: int, kind: str = "PNG") -> bytes:
    pixels = np.random.default_rng(seed).integers(256, size=(20, 30, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving() as server:
        yield server


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> type[Engine]:
    Engine.pages, Engine.asked = [], []
    monkeypatch.setattr(web_search, "engines", lambda: {"stand-in": Engine, "other": Engine})
    return Engine


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits asked for; none is waited."""
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    return waits


def run(out: Path, *queries: str, more: tuple[str, ...] = ()) -> int:
    return web.main([*(queries or ("red lime",)), "--out", str(out), "--engine", "stand-in", *more])


def listing(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_query_becomes_a_set_with_ranks_and_a_record(
    server: Server, engine: type[Engine], tmp_path: Path, waits: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    contents = {"/a.png": picture(0), "/b": picture(1, "JPEG"), "/d.gif": picture(3, "WEBP")}
    server.files |= contents | {"/c.png": b"<html>not found</html>"}
    paths = ["/a.png", "/b", "/gone.png", "/c.png", "/d.gif"]
    engine.pages = [[Result(server.url(path), f"http://page{path}", 'Of, "it"\n') for path in paths]]
    assert run(tmp_path, more=("--pause", "0.5", "--contact", "me@here.example")) == 0
    assert "red lime: 3 images of 5 results" in capsys.readouterr().out

    folder = tmp_path / "red_lime"
    assert listing(folder) == {"search.json", "index.csv", "001.png", "002.jpg", "005.webp"}
    assert (folder / "002.jpg").read_bytes() == contents["/b"]
    rows = list(csv.DictReader(io.StringIO((folder / "index.csv").read_text(), newline="")))
    assert tuple(rows[0]) == COLUMNS
    assert [row["file"] for row in rows] == ["001.png", "002.jpg", "", "", "005.webp"]
    assert [row["url"] for row in rows] == [server.url(path) for path in paths]
    assert (rows[0]["page"], rows[0]["title"]) == ("http://page/a.png", 'Of, "it"\n')
    assert [bool(row["sha256"]) for row in rows] == [True, True, False, True, True]
    assert [row["left_out"] for row in rows][:3] == ["", "", "HTTP 404"]
    assert rows[3]["left_out"].startswith("what came is not a readable image")

    record = json.loads((folder / "search.json").read_text())
    assert (record["query"], record["engine"], record["limit"]) == ("red lime", "stand-in", 100)
    assert server.asked.count("/robots.txt") == 1
    assert server.agents == {"s2m/1.0 (collects images for research; me@here.example)"}
    assert waits == [0.5] * 7  # before robots.txt, 5 images, and the second page of results

    loaded = load_photos(tmp_path)
    assert loaded.classes == ("red_lime",)
    assert loaded.ranks is not None
    assert loaded.ranks.tolist() == [1, 2, 5]


def test_a_second_run_asks_only_for_what_failed(server: Server, engine: type[Engine], tmp_path: Path) -> None:
    server.files |= {"/0": picture(0), "/1": 503, "/2": b"text", "/3": picture(3)}
    engine.pages = [[Result(server.url(f"/{i}")) for i in range(4)]]
    assert run(tmp_path) == 0
    folder = tmp_path / "red_lime"
    server.files["/1"] = picture(1)
    (folder / "004.png").unlink()
    (folder / ".005.png.abc.tmp").write_bytes(b"half")  # what a killed run may leave
    (folder / "002.gif").write_bytes(b"no row is written of this yet")
    server.asked.clear()
    assert run(tmp_path) == 0
    assert server.asked == ["/robots.txt", "/1", "/3"]
    assert engine.asked == [("red lime", 1), ("red lime", 2)]  # the first run alone searched
    assert listing(folder) == {"search.json", "index.csv", "001.png", "002.png", "004.png"}
    assert [row["file"] for row in read_index(folder).values()] == ["001.png", "002.png", "", "004.png"]


def test_killed_at_any_write_it_goes_on(server: Server, engine: type[Engine], tmp_path: Path) -> None:
    """Killed (SIGKILL) at its n-th rename, for all n: files are always whole, and the end is always the same."""
    server.files |= {f"/{i}": picture(i) for i in range(3)}
    program = """
import sys, os, pathlib, signal, types
package = types.ModuleType("s2m"); package.__path__ = [sys.argv[1]]; sys.modules["s2m"] = package  # without torch
import web_search, web
class Engine:
    def __init__(self, timeout): pass
    def search(self, query, page):
        found = types.SimpleNamespace
        return [found(image=f"{sys.argv[2]}{i}", url="", title="") for i in range(3)] if page == 1 else []
web_search.engines = lambda: {"stand-in": Engine}
before, left = pathlib.Path.replace, int(sys.argv[4])
def replace(self, target):
    global left
    left -= 1
    if left == 0: os.kill(os.getpid(), signal.SIGKILL)
    return before(self, target)
pathlib.Path.replace = replace
sys.exit(web.main(["red lime", "--out", sys.argv[3], "--engine", "stand-in", "--pause", "0"]))
"""
    folder = tmp_path / "red_lime"
    package = str(Path(images.__file__).parent)
    for write in (1, 2, 3, 4, 100):  # at the search, at an image, at the next image, at a row of the index, never
        command = [sys.executable, "-c", program, package, server.url("/"), str(tmp_path), str(write)]
        ended = subprocess.run(command, cwd=Path(web.__file__).parent, capture_output=True, text=True, check=False)
        whole = [path for path in folder.iterdir() if not path.name.startswith(".")]
        assert all(path.read_bytes() == picture(int(path.stem) - 1) for path in whole if path.suffix == ".png")
        if write > 1:
            json.loads((folder / "search.json").read_text())
        read_index(folder)  # raises for half an index
        assert ended.returncode == (0 if write == 100 else -signal.SIGKILL), ended.stderr
    assert listing(folder) == {"search.json", "index.csv", "001.png", "002.png", "003.png"}
    assert [row["file"] for row in read_index(folder).values()] == ["001.png", "002.png", "003.png"]


def test_a_network_that_is_gone_ends_the_run_and_dead_servers_do_not_block_it(
    server: Server, engine: type[Engine], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.files["/0"] = picture(0)
    engine.pages = [[*(Result(f"{NOWHERE}?{i}") for i in range(web.SILENT + 1)), Result(server.url("/0"))]]
    assert run(tmp_path) == 1
    assert "10 images in a row bring no answer: check the network and run again" in capsys.readouterr().err
    assert len(read_index(tmp_path / "red_lime")) == web.SILENT
    assert run(tmp_path) == 0  # the new ones first
    rows = read_index(tmp_path / "red_lime")
    assert rows[12]["file"] == "012.png"
    assert {row["left_out"] for rank, row in rows.items() if rank < 12} == {"no connection (ConnectionError)"}


def test_only_what_was_asked_for_is_continued(
    server: Server, engine: type[Engine], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.files["/0"] = picture(0)
    engine.pages = [[Result(server.url("/0"))]]
    assert run(tmp_path) == 0
    for more, query in [(("--limit", "5"), "red lime"), ((), "red/lime")]:
        assert run(tmp_path, query, more=more) == 1
        assert "red_lime holds the search" in capsys.readouterr().err
    (tmp_path / "red_lime" / "index.csv").write_text("rank,file\n1,001.png\n")
    assert run(tmp_path) == 1
    assert "index.csv is damaged (its columns do not fit): remove it and run again" in capsys.readouterr().err
    (tmp_path / "red_lime" / "search.json").write_text("{")
    assert run(tmp_path) == 1
    assert "search.json is damaged" in capsys.readouterr().err
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "001.jpg").write_bytes(b"mine")
    assert run(tmp_path, "mine") == 1
    assert "mine holds other files and no search.json" in capsys.readouterr().err
    assert listing(tmp_path / "mine") == {"001.jpg"}


@pytest.mark.parametrize(
    ("queries", "more", "message"),
    [
        (("lime", " ?! "), (), "the query ' ?! ' has no letter and no digit: name something to search for"),
        (("a b", "a/b"), (), "two queries are the same, or would get the same folder"),
        (("lime",), ("--limit", "0"), "--limit must be at least 1"),
        (("lime",), ("--engine", "altavista"), "there is no engine 'altavista': choose other or stand-in"),
        (("lime",), (), "stand-in finds no images for 'lime': check the spelling, or try another --engine (other)"),
    ],
)
def test_what_cannot_be_searched_is_one_line_and_leaves_nothing(
    queries: tuple[str, ...],
    more: tuple[str, ...],
    message: str,
    engine: type[Engine],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(tmp_path, *queries, more=more) == 1
    shown = capsys.readouterr().err
    assert f"error: {message}" in shown
    assert shown.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_no_image_at_all_is_an_error(engine: type[Engine], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    engine.pages = [[Result("ftp://here/a.png")]]
    assert run(tmp_path) == 1
    assert "none of 1 results for 'red lime' is an image" in capsys.readouterr().err
    assert read_index(tmp_path / "red_lime")[1]["left_out"] == "no address of a web server"


def test_folder_names_stay_inside_and_are_not_too_long() -> None:
    assert folder_name("../../etc/passwd") == "etc_passwd"
    assert folder_name(".hidden") == "hidden"
    assert len(folder_name("レモン" * 100).encode()) <= 240


def test_every_image_that_is_read_has_a_suffix() -> None:
    kinds = {"JPEG": "jpg", "PNG": "png", "GIF": "gif", "WEBP": "webp", "BMP": "bmp", "TIFF": "tif"}
    assert set(kinds) == set(images.FORMATS)
    for kind, suffix in kinds.items():
        content = picture(0, kind)
        assert [web.SUFFIXES[start] for start in web.SUFFIXES if content.startswith(start)] == [suffix]
        assert f".{suffix}" in images.SUFFIXES
