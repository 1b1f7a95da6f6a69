"""Fetch small files from strangers' servers, politely: with pauses, within limits, and only where robots.txt allows."""

import time
import urllib.robotparser
from urllib.parse import urlsplit

import requests
import urllib3

AGENT = "s2m"  # the name that a robots.txt can forbid things to
TIMEOUT = 10.0  # seconds without a byte
SECONDS = 60.0  # for a whole file
LARGEST = 20 << 20  # bytes of an image
LARGEST_ROBOTS = 500 << 10  # RFC 9309: what a crawler must read at least
CHUNK = 1 << 16


class LeftOut(Exception):
    """A file that is not to be had, and why; `status` is the HTTP status where the server gave one."""

    def __init__(self, why: str, status: int | None = None) -> None:
        super().__init__(why)
        self.status = status


class NoAnswer(LeftOut):
    """The server was not reached: its fault, or that of the network here."""


class Visitor:
    """Asks one file after the other, and says who is asking."""

    def __init__(self, pause: float = 1.0, contact: str = "") -> None:
        """pause: seconds before each request. contact: an address or page that goes into the User-Agent."""
        self.pause = pause
        self.session = requests.Session()
        about = f"collects images for research; {contact}" if contact else "collects images for research"
        self.session.headers.update({"User-Agent": f"{AGENT}/1.0 ({about})", "Accept-Encoding": "identity"})
        self.session.max_redirects = 5
        self._rules: dict[str, urllib.robotparser.RobotFileParser] = {}  # of each server met so far

    def get(self, url: str) -> bytes:
        """The content at `url`. Raises LeftOut, or its kind NoAnswer."""
        if urlsplit(url).scheme not in ("http", "https"):
            raise LeftOut("no address of a web server")
        if not self._robots(url).can_fetch(AGENT, url):
            raise LeftOut("its robots.txt forbids it")
        return self._read(url, LARGEST)

    def _robots(self, url: str) -> urllib.robotparser.RobotFileParser:
        home = urlsplit(url)._replace(path="/robots.txt", query="", fragment="").geturl()
        if home not in self._rules:
            rules = urllib.robotparser.RobotFileParser()
            try:
                rules.parse(self._read(home, LARGEST_ROBOTS).decode("utf-8", "replace").splitlines())
            except NoAnswer:
                raise
            except LeftOut as error:  # RFC 9309: a file that is not there allows all, a failing server forbids all
                rules.allow_all = error.status is not None and 400 <= error.status < 500
                rules.disallow_all = not rules.allow_all
            self._rules[home] = rules
        return self._rules[home]

    def _read(self, url: str, largest: int) -> bytes:
        time.sleep(self.pause)
        content, end = bytearray(), time.monotonic() + SECONDS
        try:
            with self.session.get(url, stream=True, timeout=TIMEOUT) as answer:
                if answer.status_code != 200:
                    raise LeftOut(f"HTTP {answer.status_code}", answer.status_code)
                # read1 gives what has come: read would wait for a full chunk from a server that sends byte by byte
                while chunk := answer.raw.read1(CHUNK, decode_content=True):
                    content += chunk
                    if len(content) > largest:
                        raise LeftOut(f"larger than {largest >> 10} KiB")
                    if time.monotonic() > end:
                        raise LeftOut(f"took longer than {SECONDS:g} s")
        except (requests.ConnectionError, requests.Timeout) as error:
            raise NoAnswer(f"no connection ({type(error).__name__})") from error
        except (requests.RequestException, urllib3.exceptions.HTTPError, UnicodeError) as error:
            raise LeftOut(f"broken off ({type(error).__name__})") from error
        return bytes(content)
