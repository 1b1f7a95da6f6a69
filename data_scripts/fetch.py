"""Download a file: with a progress bar, again when the line drops, from where it stopped, whole or not at all."""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import requests
from tqdm import tqdm

from s2m.errors import S2MError
from s2m.storage import clear_disk_errors, require_space

CHUNK = 1 << 16


class _Refused(Exception):
    """The server gave a clear no: asking again will not help."""


def fetch(
    url: str,
    path: Path,
    *,
    check: Callable[[Path], None] | None = None,
    otherwise: str = "try again later",
    attempts: int = 5,
    pause: float = 1.0,
    timeout: float = 30.0,
) -> Path:
    """Download `url` to `path`, or do nothing where `path` is already there.

    Bytes are collected in `path` + ".part", which a later call continues (HTTP Range), and which gets its final name
    only when all of it has come and `check` is content. After a failure it waits `pause`, 2 `pause`, 4 `pause`...
    seconds; `attempts` failures without one new byte in between end it.

    check: raises S2MError for content that cannot be right; the partial file is deleted then.
    otherwise: what a reader without this download can do, told in the error.

    Raises S2MError: no network, refused by the server, wrong content, no room on the disk.
    """
    if path.is_file():
        return path
    part = path.with_name(path.name + ".part")
    with clear_disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    failures = 0
    while True:
        before = _size(part)
        try:
            _download(url, part, timeout)
            break
        except _Refused as error:
            raise S2MError(f"{url} was refused ({error}): {otherwise}") from error
        except requests.RequestException as error:
            failures = 1 if _size(part) > before else failures + 1
            if failures >= attempts:
                reason = type(error).__name__
                raise S2MError(f"cannot download {url} ({reason}): check the network, or {otherwise}") from error
            wait = pause * 2 ** (failures - 1)
            tqdm.write(f"{path.name}: no connection, trying again in {wait:g} s", file=sys.stderr)
            time.sleep(wait)
    if check is not None:
        try:
            check(part)
        except S2MError as error:
            part.unlink()
            raise S2MError(f"{url}: {error}; run again, or {otherwise}") from error
    with clear_disk_errors(path):
        part.replace(path)
    return path


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _download(url: str, part: Path, timeout: float) -> None:
    """One attempt: ask for what is missing and append it. Ends normally only when the file is complete."""
    have = _size(part)
    # identity: with a compressed transfer the byte counts of Range and of the file would not be the same
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with requests.get(url, headers=headers, stream=True, timeout=timeout) as answer:
        if answer.status_code == 416:  # nothing is left from there on: complete, or not this file at all
            if answer.headers.get("Content-Range") == f"bytes */{have}":
                return
            part.unlink()
            raise requests.ConnectionError("the partial file does not fit, starting over")
        if 400 <= answer.status_code < 500 and answer.status_code not in (408, 429):
            raise _Refused(f"HTTP {answer.status_code}")
        answer.raise_for_status()
        if not answer.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
            have = 0  # the server sends the whole file, whatever was asked
        length = int(answer.headers["Content-Length"]) if "Content-Length" in answer.headers else None
        _save(answer, part, have, length)


def _save(answer: requests.Response, part: Path, have: int, length: int | None) -> None:
    total = None if length is None else have + length
    name = part.name.removesuffix(".part")
    require_space(part.parent, length or 0)
    with tqdm(desc=name, total=total, initial=have, unit="B", unit_scale=True, leave=False, disable=None) as bar:
        with clear_disk_errors(part):
            file = part.open("ab" if have else "wb")
        with file:
            for chunk in answer.iter_content(CHUNK):
                with clear_disk_errors(part):  # around the writing alone: a lost connection is an OSError too
                    file.write(chunk)
                    file.flush()
                bar.update(len(chunk))
    if total is not None and _size(part) < total:
        raise requests.ConnectionError("the connection ended early")
