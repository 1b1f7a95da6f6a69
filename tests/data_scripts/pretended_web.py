"""What the tests of collecting from the web share: a server on this machine, and an engine that is made up here."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import web_search

NOWHERE = "http://127.0.0.1:9/no.png"  # the discard port: nothing listens


class Server(ThreadingHTTPServer):
    """Answers with `files`: the content of a path, an HTTP status, or a function that answers itself."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes | int | Callable[[Handler], None]] = {}
        self.asked: list[str] = []
        self.agents: set[str | None] = set()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}{path}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.server.agents.add(self.headers.get("User-Agent"))
        answer = self.server.files.get(self.path, 404)
        if callable(answer):
            answer(self)
        elif isinstance(answer, int):
            self.send_error(answer)
        else:
            self.begin(len(answer))
            self.wfile.write(answer)

    def begin(self, length: int) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@contextmanager
def serving() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@dataclass
class Result:
    """What ddgs gives for one image."""

    image: str
    url: str = "http://page"
    title: str = "A page"


class Engine:
    """Answers each page of results with what `pages` has, an exception being raised."""

    pages: ClassVar[list[list[Result] | Exception | None]]
    asked: ClassVar[list[tuple[str, int]]]

    def __init__(self, timeout: int) -> None:
        assert timeout == web_search.TIMEOUT

    def search(self, query: str, page: int) -> list[Result] | None:
        self.asked.append((query, page))
        answer = self.pages[page - 1] if page <= len(self.pages) else []
        if isinstance(answer, Exception):
            raise answer
        return answer
