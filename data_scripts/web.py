"""Collect concept sets from the web: the images that a search engine finds for each query, with their search ranks.

    pip install 's2m[web]'
    python data_scripts/web.py "granny smith" lemon --out FOLDER
    python data_scripts/web.py lemon --out FOLDER --collection data/grocery_store.zip   # without what repeats that set

It writes FOLDER/<query>/<rank>.<ext>, and beside the images index.csv: where each came from, or why it was left out.
`s2m.datasets.load_photos(FOLDER)` reads that. Run it again, after any interruption, to fetch what is missing.

Servers of images are asked one file at a time, with a pause before each, under a name of our own, and only for what
their robots.txt allows. The engine is asked through ddgs, a page at a time; ddgs looks like a browser and reads no
robots.txt there. Whether the engine's terms and the images' rights allow your use is for you to settle first.
"""

import argparse
import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm
from web_folder import Row, folder_name, now, read_index, searched, write_index
from web_search import Found
from web_visit import LeftOut, NoAnswer, Visitor

from s2m.ending import exit_status
from s2m.errors import S2MError
from s2m.images import read_photo
from s2m.storage import write_bytes

# How the content of an image begins, whatever its address says: all that `read_photo` takes.
SUFFIXES = {
    b"\xff\xd8": "jpg",
    b"\x89PNG": "png",
    b"GIF8": "gif",
    b"RIFF": "webp",
    b"BM": "bmp",
    b"II": "tif",
    b"MM": "tif",
}
SILENT = 10  # new images in a row without an answer: one server may be gone, ten mean that the network is


def collect(query: str, folder: Path, engine: str, limit: int, visitor: Visitor) -> None:
    """Search for the query unless that was done, and fetch into `folder` what is not settled there yet.

    Killed at any moment it leaves whole images only, and the next call goes on.
    Raises S2MError: what `searched` raises, no network, or no image at all among the results.
    """
    found = searched(folder, query, engine, limit, visitor.pause)
    rows = read_index(folder)
    ranks = [rank for rank in range(1, len(found) + 1) if not (rank in rows and is_settled(rows[rank], folder))]
    ranks.sort(key=lambda rank: rank in rows)  # what failed before comes last: it must not keep a run from the others
    silent = 0
    for rank in tqdm(ranks, query, unit=" images", leave=False, disable=None):
        new = rank not in rows
        rows[rank], answered = fetch_image(found[rank - 1], rank, folder, visitor)
        write_index(folder, rows)
        silent = 0 if answered or not new else silent + 1
        if silent == SILENT:
            raise S2MError(f"{SILENT} images in a row bring no answer: check the network and run again to go on")
    if not any(row["file"] for row in rows.values()):
        raise S2MError(
            f"none of {len(found)} results for {query!r} is an image, {folder}/index.csv says why: run again"
        )


def is_settled(row: Row, folder: Path) -> bool:
    """Whether the image was fetched, and is there or was left out for good."""
    return bool(row["sha256"]) and (not row["file"] or (folder / row["file"]).is_file())


def fetch_image(found: Found, rank: int, folder: Path, visitor: Visitor) -> tuple[Row, bool]:
    """Fetch one image, write it, and return its row of the index; and whether the server answered."""
    for orphan in folder.glob(f"{rank:03d}.*"):  # written by a run that was killed before it wrote the row
        orphan.unlink()
    row = {"rank": str(rank), "url": found.url, "page": found.page, "title": found.title}
    row |= {"file": "", "sha256": "", "fetched_at": now(), "left_out": ""}
    try:
        content = visitor.get(found.url)
    except LeftOut as error:
        return row | {"left_out": str(error)}, not isinstance(error, NoAnswer)
    row["sha256"] = hashlib.sha256(content).hexdigest()
    try:
        read_photo(content, "what came")  # raises for what is no image
    except S2MError as error:
        return row | {"left_out": str(error)}, True
    suffix = next(suffix for start, suffix in SUFFIXES.items() if content.startswith(start))
    row["file"] = f"{rank:03d}.{suffix}"
    write_bytes(folder / row["file"], content)
    return row, True


@exit_status
def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Collect concept sets of images from the web.")
    parser.add_argument("queries", nargs="+", metavar="query", help="what to search for")
    parser.add_argument("--out", type=Path, required=True, help="folder that gets one folder a query")
    parser.add_argument("--limit", type=int, default=100, help="results of each query to fetch (100)")
    parser.add_argument("--engine", default="duckduckgo", help="search engine: duckduckgo (the default) or bing")
    parser.add_argument("--pause", type=float, default=1.0, help="seconds before each request (1)")
    parser.add_argument("--contact", default="", help="how servers can reach you: goes into the User-Agent")
    parser.add_argument("--collection", help="a set, or a folder, whose near-duplicates are left out")
    options = parser.parse_args(arguments)
    if options.limit < 1 or options.pause < 0:
        raise S2MError("--limit must be at least 1 and --pause at least 0")
    folders = {query: options.out / folder_name(query) for query in options.queries}
    if len(set(folders.values())) < len(options.queries):
        raise S2MError("two queries are the same, or would get the same folder: run them with different --out")
    visitor = Visitor(options.pause, options.contact)
    for query, folder in folders.items():
        collect(query, folder, options.engine, options.limit, visitor)
    if options.collection:
        from web_repeats import leave_out_repeats  # it needs a network, the rest does not

        leave_out_repeats(list(folders.values()), options.collection)
    for query, folder in folders.items():
        rows = read_index(folder).values()
        kept = sum(bool(row["file"]) for row in rows)
        print(f"{query}: {kept} images of {len(rows)} results in {folder}, index.csv says where each came from")


if __name__ == "__main__":
    sys.exit(main())
