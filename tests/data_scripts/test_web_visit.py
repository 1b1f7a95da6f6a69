"""Fetching from a server on this machine that is strict, slow or broken."""

import threading
import time
from collections.abc import Iterator

import pytest
import web_visit
from pretended_web import NOWHERE, Handler, Server, serving
from web_visit import LeftOut, NoAnswer, Visitor


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving() as server:
        yield server


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits asked for; none is waited."""
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    return waits


@pytest.mark.parametrize(
    ("robots", "allowed"),
    [
        (b"User-agent: *\nDisallow: /private\n", True),
        (b"User-agent: *\nDisallow: /\n", False),
        (b"User-agent: s2m\nDisallow: /\n\nUser-agent: *\nAllow: /\n", False),
        (403, True),
        (500, False),
    ],
)
def test_robots_are_asked_once_and_obeyed(server: Server, robots: bytes | int, allowed: bool) -> None:
    server.files |= {"/robots.txt": robots, "/a": b"a", "/b": b"b"}
    visitor = Visitor()
    for path in ("/a", "/b"):
        if allowed:
            assert visitor.get(server.url(path)) == path[1:].encode()
        else:
            with pytest.raises(LeftOut, match=r"its robots\.txt forbids it"):
                visitor.get(server.url(path))
    assert server.asked == ["/robots.txt", *(["/a", "/b"] if allowed else [])]


def test_files_that_are_too_large_too_slow_or_cut_are_left_out(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    def cut(handler: Handler) -> None:
        handler.begin(100)
        handler.wfile.write(b"x" * 50)

    def slow(handler: Handler) -> None:
        handler.begin(1000)
        for _ in range(1000):
            try:
                handler.wfile.write(b"x")
            except ConnectionError:
                return  # hung up on
            pause.wait(0.01)

    def round_and_round(handler: Handler) -> None:
        handler.send_response(302)
        handler.send_header("Location", "/round")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    pause = threading.Event()
    server.files |= {"/cut": cut, "/slow": slow, "/round": round_and_round, "/large": b"x" * 5000}
    monkeypatch.setattr(web_visit, "LARGEST", 4096)
    visitor = Visitor()
    for path, reason in [
        ("/cut", r"broken off \(ProtocolError\)"),
        ("/round", r"broken off \(TooManyRedirects\)"),
        ("/large", r"larger than 4 KiB"),
    ]:
        with pytest.raises(LeftOut, match=reason) as left_out:
            visitor.get(server.url(path))
        assert left_out.type is LeftOut
    monkeypatch.setattr(web_visit, "SECONDS", 0.1)
    with pytest.raises(LeftOut, match=r"took longer than 0\.1 s"):
        visitor.get(server.url("/slow"))
    with pytest.raises(NoAnswer, match=r"no connection \(ConnectionError\)"):
        visitor.get(NOWHERE)
