"""What takes long is made where it is missing: a whole table, or what is kept of a run in its folder."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from s2m.storage import write_bytes


def write_missing(path: Path, make: Callable[[], pd.DataFrame]) -> None:
    """Make a table and write it, unless it is there: delete it to have it anew."""
    if not path.exists():
        write_bytes(path, make().to_csv(index=False).encode())


def judge_missing(folder: Path, name: str, judge: Callable[[Path], pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """What `judge` finds of every run of a folder that has weights, by the seed's folder, where `name` keeps it."""
    runs = sorted(path.parent for path in folder.glob("seed-*/embedding.safetensors"))
    for run in tqdm(runs, desc=folder.name):
        write_missing(run / name, partial(judge, run))
    return {run.name: pd.read_csv(run / name) for run in runs}
