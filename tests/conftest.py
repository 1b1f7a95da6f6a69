"""What every test shares: one thread, repeatable hypothesis examples, and the paths of the repository."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is imported: two threads on a busy machine are far slower

from pathlib import Path

import pytest
from hypothesis import settings

import s2m  # noqa: F401 it lets torchvision be imported, whichever test module does so first

# The same examples on every machine and every run; no deadline, since the first fit of a session is slow.
settings.register_profile("s2m", deadline=None, derandomize=True, database=None)
settings.load_profile("s2m")


@pytest.fixture(scope="session")
def root() -> Path:
    """Root folder of the repository."""
    return Path(__file__).resolve().parent.parent
