"""Downloads from a server on this machine that misbehaves in every way we know."""

import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import fetch
import pytest
from fetch import fetch as get

import s2m
from s2m import storage
from s2m.errors import S2MError

CONTENT = bytes(range(256)) * 2000  # 512 kB


class Server(ThreadingHTTPServer):
    """Serves CONTENT at every path; `drops` says after how many bytes each answer in turn breaks off."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.drops: list[int] = []
        self.ranges = True
        self.content = CONTENT
        self.statuses: list[int] = []
        self.asked: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/file.bin"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.server.asked.append(wanted)
        status = self.server.statuses.pop(0) if self.server.statuses else 200
        if status != 200:
            self.send_error(status)
            return
        start = int(re.findall(r"\d+", wanted)[0]) if wanted and self.server.ranges else 0
        total = len(self.server.content)
        if wanted and self.server.ranges and start >= total:
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{total}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
        self.send_header("Content-Length", str(total - start))
        self.end_headers()
        body = self.server.content[start:]
        if self.server.drops:
            body = body[: self.server.drops.pop(0)]
        self.wfile.write(body)
        self.close_connection = True

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits asked for; none is waited."""
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    return waits


def listing(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_file_comes_whole_and_only_once(server: Server, tmp_path: Path) -> None:
    path = get(server.url, tmp_path / "deep" / "file.bin")
    assert path.read_bytes() == CONTENT
    assert listing(path.parent) == {"file.bin"}
    get(server.url, path)
    assert server.asked == [None]


def test_a_dropped_connection_is_resumed_where_it_stopped(server: Server, tmp_path: Path, waits: list[float]) -> None:
    server.drops = [200_000, 100_000]
    assert get(server.url, tmp_path / "file.bin").read_bytes() == CONTENT
    assert len(server.asked) == 3
    starts = [int(re.findall(r"\d+", wanted or "0")[0]) for wanted in server.asked]
    assert 0 < starts[1] <= 200_000 < starts[1] + 100_000
    assert starts[1] < starts[2] <= starts[1] + 100_000
    assert waits == [1, 1]  # every attempt brought something


def test_a_later_call_goes_on_with_the_part(server: Server, tmp_path: Path, waits: list[float]) -> None:
    server.drops = [300_000]
    with pytest.raises(S2MError, match=r"cannot download .*check the network, or ask a friend"):
        get(server.url, tmp_path / "file.bin", attempts=1, otherwise="ask a friend")
    assert listing(tmp_path) == {"file.bin.part"}
    assert get(server.url, tmp_path / "file.bin").read_bytes() == CONTENT
    assert server.asked[1] is not None


def test_a_server_that_knows_no_ranges_starts_over(server: Server, tmp_path: Path, waits: list[float]) -> None:
    server.ranges, server.drops = False, [300_000]
    assert get(server.url, tmp_path / "file.bin").read_bytes() == CONTENT


def test_a_part_that_is_complete_needs_no_more_bytes(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file.bin.part").write_bytes(CONTENT)
    assert get(server.url, tmp_path / "file.bin").read_bytes() == CONTENT


def test_a_part_that_is_too_long_is_dropped(server: Server, tmp_path: Path, waits: list[float]) -> None:
    (tmp_path / "file.bin.part").write_bytes(CONTENT + b"more")
    assert get(server.url, tmp_path / "file.bin").read_bytes() == CONTENT


def test_waiting_grows_until_it_gives_up(tmp_path: Path, waits: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with socket.socket() as closed:  # bound, never listening: every connection is refused
        closed.bind(("127.0.0.1", 0))
        with pytest.raises(S2MError, match=r"cannot download .*ConnectionError.*: check the network"):
            get(f"http://127.0.0.1:{closed.getsockname()[1]}/x", tmp_path / "x")
    assert waits == [1, 2, 4, 8]
    assert not listing(tmp_path)


def test_a_busy_server_is_asked_again_and_a_no_is_a_no(server: Server, tmp_path: Path, waits: list[float]) -> None:
    server.statuses = [503, 429]
    assert get(server.url, tmp_path / "file.bin").read_bytes() == CONTENT
    server.statuses = [404]
    with pytest.raises(S2MError, match=r"refused \(HTTP 404\)"):
        get(server.url, tmp_path / "other.bin")
    assert listing(tmp_path) == {"file.bin"}


def test_wrong_content_is_not_kept(server: Server, tmp_path: Path) -> None:
    def check(path: Path) -> None:
        raise S2MError("this is a login page")

    with pytest.raises(S2MError, match=r"login page; run again, or try again later"):
        get(server.url, tmp_path / "file.bin", check=check)
    assert not listing(tmp_path)


def test_no_room_is_found_out_before_writing(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage.shutil, "disk_usage", lambda folder: type("Usage", (), {"free": 1000})())
    with pytest.raises(S2MError, match=r"0.0 MB free and 0.5 MB are needed: free some space"):
        get(server.url, tmp_path / "file.bin")
    assert not listing(tmp_path)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(S2MError, match=r"cannot write .*: check its permissions, or choose another folder"):
        get("http://127.0.0.1:1/", tmp_path / "file" / "inside")


def test_killed_in_the_middle_it_leaves_no_half_file(server: Server, tmp_path: Path) -> None:
    server.drops = [300_000]
    program = (
        # a bare package in place of s2m/__init__.py, which would import torch: seconds of waiting for nothing
        "import sys, types; sys.modules['s2m'] = package = types.ModuleType('s2m'); package.__path__ = [sys.argv[3]];"
        "import fetch, pathlib, time, os, signal;"
        "time.sleep = lambda s: os.kill(os.getpid(), signal.SIGKILL);"  # at the first wait, 300 kB have come
        "fetch.fetch(sys.argv[1], pathlib.Path(sys.argv[2]))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, server.url, str(tmp_path / "file.bin"), str(Path(s2m.__file__).parent)],
        cwd=Path(fetch.__file__).parent,
        capture_output=True,
        check=False,
    )
    assert ended.returncode == -9
    assert listing(tmp_path) == {"file.bin.part"}
    assert get(server.url, tmp_path / "file.bin").read_bytes() == CONTENT
