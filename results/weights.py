"""The weights of photographs' runs that tables are made from: all seeds, of which the repository keeps one."""

from __future__ import annotations

from pathlib import Path

from s2m.errors import S2MError

PHOTO_SEEDS = (0, 1, 2, 3, 4)
# Trained with impure sets, these are looked into by components.py and strangers.py.
METHODS = ("avg-ft", "nn-ft", "s2m-gauss", "s2m-gmm2")
FILES = ("embedding.safetensors", "relevance.safetensors")


def has_weights(run: Path) -> bool:
    """Whether a run folder holds its best weights."""
    return all((run / name).is_file() for name in FILES)


def are_needed(run: Path) -> bool:
    """Whether a table is made from the weights of this run."""
    return run.parts[-3].startswith("photos_") and run.parts[-3].endswith("_impure") and run.parts[-2] in METHODS


def all_seeds(folder: Path) -> list[Path]:
    """The runs of a method of photographs. Raises S2MError where one has no weights: no table is of fewer seeds."""
    runs = [folder / f"seed-{seed}" for seed in PHOTO_SEEDS]
    missing = ", ".join(run.name for run in runs if not has_weights(run))
    if missing:
        raise S2MError(f"{folder} has no weights of {missing}: train again with `python results/make.py --weights`")
    return runs
