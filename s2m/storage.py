"""Writing to disk so that a file is either whole or not there."""

import errno
import json
import os
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np

from s2m.errors import S2MError


def require_space(folder: Path, size: int) -> None:
    """Raise S2MError unless `folder` has room for `size` more bytes: asked before writing, not found out during it."""
    free = shutil.disk_usage(folder).free
    if free < size:
        raise S2MError(
            f"{folder} has {free / 1e6:.1f} MB free and {size / 1e6:.1f} MB are needed: "
            "free some space, or choose another folder"
        )


@contextmanager
def clear_disk_errors(path: Path) -> Iterator[None]:
    """Turn what the disk refuses (full, read-only, no permission) into one line with a cure."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        cure = "free some space there" if full else "check its permissions"
        raise S2MError(f"cannot write {path} ({error.strerror or error}): {cure}, or choose another folder") from error


@contextmanager
def written_whole(path: Path, size: int) -> Iterator[BinaryIO]:
    """A binary file to write into; it takes the name `path` only when the block ends without an error.

    size: about how many bytes will be written. A process killed in the middle leaves at most a temporary file
    beside `path` (its name starts with a dot and ends in .tmp), never half a `path`.
    """
    with clear_disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        require_space(path.parent, size)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            temporary.chmod(0o644)  # mkstemp gives the file to its owner alone
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file whole or not at all. Raises S2MError where the disk refuses."""
    with written_whole(path, len(content)) as file:
        file.write(content)


def write_json(path: Path, value: object) -> None:
    """JSON, indented, written whole or not at all."""
    write_bytes(path, (json.dumps(value, indent=2) + "\n").encode())


def write_arrays(path: Path, **arrays: np.ndarray) -> None:
    """A compressed .npz, written whole or not at all; the same bytes for the same arrays."""
    with written_whole(path, sum(array.nbytes for array in arrays.values())) as file:
        np.savez_compressed(file, **arrays)


def read_arrays(path: Path, cure: str) -> dict[str, np.ndarray]:
    """What `write_arrays` wrote. Raises S2MError with this cure where the file is missing or damaged."""
    try:
        with path.open("rb") as file, zipfile.ZipFile(file), np.load(file, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise S2MError(f"{path} is missing or damaged ({error}): {cure}") from error
