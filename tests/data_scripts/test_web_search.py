"""Asking an engine: the order is its own, and every way to get nothing is told."""

import sys
import time

import pytest
import web_search
from pretended_web import Engine, Result

from s2m import S2MError


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


def test_the_rank_is_the_engines_and_an_address_counts_once(engine: type[Engine], waits: list[float]) -> None:
    engine.pages = [[Result("b"), Result(""), Result("a"), Result("b")], [Result("a"), Result("c")], [Result("d")]]
    assert [found.url for found in web_search.search("x", "stand-in", 3, pause=2)] == ["b", "a", "c"]
    assert waits == [2]
    assert [found.url for found in web_search.search("x", "stand-in", 9)] == ["b", "a", "c", "d"]
    engine.pages = [[Result("b")], None]  # refused after the first page: what came is kept
    assert [found.url for found in web_search.search("x", "stand-in", 9)] == ["b"]


def test_a_search_that_fails_says_why(engine: type[Engine]) -> None:
    engine.pages = [None]
    with pytest.raises(S2MError, match=r"stand-in refuses to search for 'x'.*: wait an hour, or try .*\(other\)"):
        web_search.search("x", "stand-in", 3)
    engine.pages = [OSError("cannot\nconnect")]
    with pytest.raises(S2MError, match=r"\(OSError: cannot connect\): check the network, update ddgs, or try"):
        web_search.search("x", "stand-in", 3)


def test_ddgs_has_what_is_used_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ddgs")
    known = web_search.engines()
    assert {"duckduckgo", "bing"} <= set(known)
    for kind in known.values():
        searching = kind(timeout=web_search.TIMEOUT)
        monkeypatch.setattr(searching, "build_payload", lambda **options: options)
        monkeypatch.setattr(searching, "request", lambda *asked, **options: None)
        assert searching.search("x", page=2) is None  # an answer other than HTTP 200
    from ddgs.results import ImagesResult

    assert {"image", "url", "title"} <= set(vars(ImagesResult()))


def test_a_missing_ddgs_is_named_with_its_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ddgs.engines", None)
    with pytest.raises(S2MError, match=r"ddgs is missing: pip install 's2m\[web\]'"):
        web_search.engines()
