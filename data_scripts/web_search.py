"""Ask an image search engine, through ddgs, and keep the order in which it answers."""

import itertools
import time
from dataclasses import dataclass

from s2m.errors import S2MError

TIMEOUT = 20  # seconds, for a page of results


@dataclass(frozen=True)
class Found:
    """One image that the engine names; the first has rank 1."""

    url: str  # of the image
    page: str  # on which the image stands
    title: str


def engines() -> dict[str, type]:
    """The engines of images that ddgs knows, by name.

    Not `DDGS().images`: it puts images with the query in their title first, and a search rank is to be the engine's.

    Raises S2MError where ddgs is missing.
    """
    try:
        from ddgs.engines import ENGINES
    except ImportError as error:
        raise S2MError("the package ddgs is missing: pip install 's2m[web]'") from error
    return ENGINES["images"]


def search(query: str, engine: str, limit: int, pause: float = 1.0) -> list[Found]:
    """The first images that `engine` finds for `query`, at most `limit`, each address once.

    pause: seconds between two pages of results.

    Raises S2MError: an unknown engine, no network, a search that the engine refuses, no results.
    """
    known = engines()
    if engine not in known:
        raise S2MError(f"there is no engine {engine!r}: choose {' or '.join(sorted(known))}")
    others = " or ".join(sorted(set(known) - {engine})) or "none here"
    asked = known[engine](timeout=TIMEOUT)
    found: dict[str, Found] = {}
    for page in itertools.count(1):
        try:
            answer = asked.search(query, page=page)
        except Exception as error:  # a scraper fails in any way when the engine's pages change
            reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
            raise S2MError(
                f"{engine} could not be searched for {query!r} ({reason}): check the network, update ddgs, "
                f"or try another --engine ({others})"
            ) from error
        if answer is None and page == 1:
            raise S2MError(
                f"{engine} refuses to search for {query!r}, as it does after many searches: "
                f"wait an hour, or try another --engine ({others})"
            )
        before = len(found)
        for each in answer or ():
            if each.image:
                found.setdefault(each.image, Found(each.image, each.url or "", each.title or ""))
        if len(found) >= limit or len(found) == before:  # enough, or nothing more comes
            break
        time.sleep(pause)
    if not found:
        raise S2MError(
            f"{engine} finds no images for {query!r}: check the spelling, or try another --engine ({others})"
        )
    return list(found.values())[:limit]
