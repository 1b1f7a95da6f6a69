"""The folder of one query: what was searched for, what was found, and what became of each image.

search.json   the query, the engine, when, and what it found, by rank; the search is never made twice
index.csv     a row for every image that was asked for, see `COLUMNS`
001.jpg ...   the images, named by rank
"""

import csv
import io
import json
import re
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from web_search import Found, search

from s2m.errors import S2MError
from s2m.storage import write_bytes, write_json

COLUMNS = (
    "rank",
    "file",  # empty where there is none, then `left_out` says why
    "url",
    "page",
    "title",
    "sha256",  # of what came; a row with it is settled, one without is tried again by the next run
    "fetched_at",
    "left_out",
)
Row = dict[str, str]


def folder_name(query: str) -> str:
    """A name that every file system takes: letters and digits of any script, the rest becomes "_".

    Raises S2MError for a query without any.

    >>> folder_name("Granny Smith / apple"), folder_name("../レモン")
    ('granny_smith_apple', 'レモン')
    """
    name = re.sub(r"[^\w-]+", "_", query.lower()).strip("_-")[:60]  # at most 240 bytes in UTF-8; 255 is the usual limit
    if not name:
        raise S2MError(f"the query {query!r} has no letter and no digit: name something to search for")
    return name


def searched(folder: Path, query: str, engine: str, limit: int, pause: float) -> list[Found]:
    """What the engine finds for the query: asked now and written down, or read where that was done before.

    Raises S2MError where the folder holds another search, or files that are none of this program's.
    """
    path, asked = folder / "search.json", {"query": query, "engine": engine, "limit": limit}
    for leftover in folder.glob(".*.tmp"):  # of a run that was killed while it wrote
        leftover.unlink()
    if not path.exists():
        if folder.exists() and any(folder.iterdir()):
            raise S2MError(f"{folder} holds other files and no search.json: remove it, or choose another --out")
        found = search(query, engine, limit, pause)
        write_json(path, asked | {"searched_at": now(), "found": [asdict(each) for each in found]})
        return found
    try:
        record = json.loads(path.read_bytes())
        found = [Found(**each) for each in record.pop("found")]
        before = {key: record[key] for key in asked}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise S2MError(f"{path} is damaged ({error!r}): remove {folder}, or choose another --out") from error
    if before != asked:
        raise S2MError(f"{folder} holds the search {before}, not {asked}: remove it, or choose another --out")
    return found


def read_index(folder: Path) -> dict[int, Row]:
    """The rows of index.csv by rank; none where there is no index yet. Raises S2MError for one that is damaged."""
    path = folder / "index.csv"
    if not path.exists():
        return {}
    try:
        rows = list(csv.DictReader(io.StringIO(path.read_bytes().decode(), newline=""), strict=True))
        if any(set(row) != set(COLUMNS) or None in row.values() for row in rows):
            raise ValueError("its columns do not fit")
        return {int(row["rank"]): row for row in rows}
    except (ValueError, csv.Error) as error:
        raise S2MError(f"{path} is damaged ({error}): remove it and run again") from error


def write_index(folder: Path, rows: dict[int, Row]) -> None:
    """Write index.csv in the order of the ranks, whole or not at all."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows[rank] for rank in sorted(rows))
    write_bytes(folder / "index.csv", text.getvalue().encode())


def now() -> str:
    """The time in UTC, to the second: 2025-01-31T23:59:59+00:00."""
    return datetime.now(UTC).isoformat(timespec="seconds")
