"""Which characters, and which classes of photographs, are for training, for validation and for the test."""

from collections.abc import Iterable
from pathlib import Path

from s2m.datasets.characters import Characters
from s2m.errors import S2MError

SPLITS = ("paper", "official", "within-alphabet")
PHOTO_SPLITS = ("flowers102", "caltech101", "grocery_store")
PARTS = ("train", "validation", "test")
_FOLDER = Path(__file__).parent / "splits"

# Web queries that ask for a class of the Grocery Store set, all of them in its test part: with the search's filter,
# "top", "photo" or "cartoon", "orange/top" is a class of the set google_web.
QUERY_CLASSES = {
    "avocado": "Avocado",
    "cantaloupe": "Cantaloupe",
    "grapefruit": "Red-Grapefruit",
    "honeydew": "Honeydew-Melon",
    "lemon": "Lemon",
    "lime": "Lime",
    "mango": "Mango",
    "orange": "Orange",
    "watermelon": "Watermelon",
}


def load_split(name: str, part: str) -> tuple[str, ...]:
    """Names of the characters, or the classes of photographs, in one part of a split, sorted.

    name: of Omniglot's characters
        "paper" (random characters, 1100 / 100 / 423),
        "official" (whole alphabets; the test is Omniglot's own evaluation set) or
        "within-alphabet" (as official, only alphabets of 20 characters and more: for tasks whose classes come from
        one alphabet, see `by_alphabet`);
        of photographs, to be given to `ImageSet.select`,
        "flowers102" (68 / 12 / 22 classes),
        "caltech101" (64 / 13 / 22 classes, an animal and its head in one part) or
        "grocery_store" (49 / 10 / 22 fine classes, every coarse class in one part; see QUERY_CLASSES).
    part: "train", "validation" or "test".

    The files are written by data_scripts/make_splits.py and make_photo_splits.py; the book's chapter on Omniglot tells
    what each of its splits is for.
    Raises S2MError for a name or a part that does not exist.

    >>> [len(load_split("paper", part)) for part in ("train", "validation", "test")]
    [1100, 100, 423]
    """
    _require("split", name, SPLITS + PHOTO_SPLITS)
    _require("part of a split", part, PARTS)
    return _read(f"{name}-{part}")


def load_foreign(part: str) -> tuple[str, ...]:
    """Half of Caltech's foreign images (part "train" or "test"), as `files` of the set caltech101: noise to mix in.

    They are Google's answers to a query without a subject. Raises S2MError for another part.

    >>> len(load_foreign("train")), load_foreign("test")[0]
    (30, 'images/BACKGROUND_Google/image_0003.jpg')
    """
    _require("part of the foreign images", part, ("train", "test"))
    return _read(f"caltech101-foreign-{part}")


def _require(what: str, value: str, among: tuple[str, ...]) -> None:
    if value not in among:
        raise S2MError(f"there is no {what} {value!r}: choose {', '.join(among)}")


def _read(name: str) -> tuple[str, ...]:
    return tuple((_FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines())


def split_characters(characters: Characters, split: str = "paper", part: str = "train") -> Characters:
    """One part of these characters, whatever set they are; split first, rotate after.

    Omniglot: the names of `load_split`. Any other set has no published split and one is made by position, in the
    proportions of the paper's (1100 : 100 : 423), so that code written for Omniglot needs no special case.

    >>> from s2m.datasets import generate_characters
    >>> letters = generate_characters(classes=30, drawings=2)
    >>> [len(split_characters(letters, "paper", part)) for part in ("train", "validation", "test")]
    [20, 2, 8]
    """
    _require("split", split, SPLITS)
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
