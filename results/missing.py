"""Tables that take long are made where they are missing; delete one to have it anew."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from s2m.storage import write_bytes


def write_missing(path: Path, make: Callable[[], pd.DataFrame]) -> None:
    """Make a table and write it, unless it is there."""
    if not path.exists():
        write_bytes(path, make().to_csv(index=False).encode())
