"""Which characters are for training, for validation and for the test."""

from collections.abc import Iterable
from pathlib import Path

from s2m.datasets.characters import Characters
from s2m.errors import S2MError

SPLITS = ("paper", "official", "within-alphabet")
PARTS = ("train", "validation", "test")
_FOLDER = Path(__file__).parent / "splits"


def load_split(name: str, part: str) -> tuple[str, ...]:
    """Names of the Omniglot characters in one part of a split, sorted.

    name: "paper" (random characters, 1100 / 100 / 423), "official" (whole alphabets; the test is Omniglot's own
        evaluation set) or "within-alphabet" (as official, only alphabets of 20 characters and more: for tasks whose
        classes come from one alphabet, see `by_alphabet`).
    part: "train", "validation" or "test".

    The files are written by data_scripts/make_splits.py; the book's chapter on Omniglot tells what each is for.
    Raises S2MError for a name or a part that does not exist.

    >>> [len(load_split("paper", part)) for part in ("train", "validation", "test")]
    [1100, 100, 423]
    """
    if name not in SPLITS:
        raise S2MError(f"there is no split {name!r}: choose {', '.join(SPLITS)}")
    if part not in PARTS:
        raise S2MError(f"a split has no part {part!r}: choose {', '.join(PARTS)}")
    return tuple((_FOLDER / f"{name}-{part}.txt").read_text(encoding="utf-8").split())


def split_characters(characters: Characters, split: str = "paper", part: str = "train") -> Characters:
    """One part of these characters, whatever set they are; split first, rotate after.

    Omniglot: the names of `load_split`. Any other set has no published split and one is made by position, in the
    proportions of the paper's (1100 : 100 : 423), so that code written for Omniglot needs no special case.

    >>> from s2m.datasets import generate_characters
    >>> letters = generate_characters(classes=30, drawings=2)
    >>> [len(split_characters(letters, "paper", part)) for part in ("train", "validation", "test")]
    [20, 2, 8]
    """
    names = load_split(split, part)
    if characters.source == "Omniglot":
        return characters.select(names)
    train, validation, test = (len(load_split("paper", each)) for each in PARTS)
    first = round(len(characters) * train / (train + validation + test))
    second = round(len(characters) * (train + validation) / (train + validation + test))
    start, stop = {"train": (0, first), "validation": (first, second), "test": (second, len(characters))}[part]
    if start == stop:
        raise S2MError(f"{len(characters)} characters are too few for a {part} part: take at least 20")
    return characters.select(characters.names[start:stop])


def by_alphabet(names: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Names grouped by alphabet, the part before the slash; order is kept.

    >>> by_alphabet(["Greek/character01", "Latin/character01", "Greek/character02"])
    {'Greek': ('Greek/character01', 'Greek/character02'), 'Latin': ('Latin/character01',)}
    """
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(name.partition("/")[0], []).append(name)
    return {alphabet: tuple(members) for alphabet, members in groups.items()}
