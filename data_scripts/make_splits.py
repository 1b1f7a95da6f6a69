"""Write the Omniglot splits that are committed in s2m/datasets/splits/: one file per part, one character a line.

    python data_scripts/make_splits.py

No data are needed: Omniglot's characters are numbered from 01 inside each alphabet, so the sizes below name them all.
The order comes from sha256 of seed and name, not from a random generator: it is the same in every version of Python.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path

SEED = 2017  # the paper does not publish its split; this is ours
FOLDER = Path(__file__).resolve().parents[1] / "s2m" / "datasets" / "splits"
VALIDATION_ALPHABETS = 5  # of the 30 background alphabets
WAYS = 20  # a 20-way task inside one alphabet needs that many characters

BACKGROUND = {
    "Alphabet_of_the_Magi": 20,
    "Anglo-Saxon_Futhorc": 29,
    "Arcadian": 26,
    "Armenian": 41,
    "Asomtavruli_(Georgian)": 40,
    "Balinese": 24,
    "Bengali": 46,
    "Blackfoot_(Canadian_Aboriginal_Syllabics)": 14,
    "Braille": 26,
    "Burmese_(Myanmar)": 34,
    "Cyrillic": 33,
    "Early_Aramaic": 22,
    "Futurama": 26,
    "Grantha": 43,
    "Greek": 24,
    "Gujarati": 48,
    "Hebrew": 22,
    "Inuktitut_(Canadian_Aboriginal_Syllabics)": 16,
    "Japanese_(hiragana)": 52,
    "Japanese_(katakana)": 47,
    "Korean": 40,
    "Latin": 26,
    "Malay_(Jawi_-_Arabic)": 40,
    "Mkhedruli_(Georgian)": 41,
    "N_Ko": 33,
    "Ojibwe_(Canadian_Aboriginal_Syllabics)": 14,
    "Sanskrit": 42,
    "Syriac_(Estrangelo)": 23,
    "Tagalog": 17,
    "Tifinagh": 55,
}
EVALUATION = {
    "Angelic": 20,
    "Atemayar_Qelisayer": 26,
    "Atlantean": 26,
    "Aurek-Besh": 26,
    "Avesta": 26,
    "Ge_ez": 26,
    "Glagolitic": 45,
    "Gurmukhi": 45,
    "Kannada": 41,
    "Keble": 26,
    "Malayalam": 47,
    "Manipuri": 40,
    "Mongolian": 30,
    "Old_Church_Slavonic_(Cyrillic)": 45,
    "Oriya": 46,
    "Sylheti": 28,
    "Syriac_(Serto)": 23,
    "Tengwar": 25,
    "Tibetan": 42,
    "ULOG": 26,
}
SIZES = BACKGROUND | EVALUATION


def shuffled(names: Iterable[str], seed: int = SEED) -> list[str]:
    """The names in an order that looks random and depends on the seed and on nothing else."""
    return sorted(names, key=lambda name: hashlib.sha256(f"{seed} {name}".encode()).hexdigest())


def characters(alphabets: Iterable[str]) -> list[str]:
    """All characters of these alphabets."""
    return [f"{alphabet}/character{number:02d}" for alphabet in alphabets for number in range(1, SIZES[alphabet] + 1)]


def splits() -> dict[str, list[str]]:
    """Every part of every split, "split-part" -> sorted names.

    paper: 1200 random characters, of them 100 for validation, and 423 for the test.
    official: the test is Omniglot's own evaluation set, validation is a few whole alphabets of the background set.
    within-alphabet: the same alphabets as official, but only those with enough characters for a 20-way task inside.
    """
    order = shuffled(characters(SIZES))
    validation = shuffled(BACKGROUND)[:VALIDATION_ALPHABETS]
    alphabets = {
        "train": [alphabet for alphabet in BACKGROUND if alphabet not in validation],
        "validation": validation,
        "test": list(EVALUATION),
    }
    parts = {"paper-train": order[:1100], "paper-validation": order[1100:1200], "paper-test": order[1200:]}
    for part, chosen in alphabets.items():
        parts[f"official-{part}"] = characters(chosen)
        parts[f"within-alphabet-{part}"] = characters(name for name in chosen if SIZES[name] >= WAYS)
    return {part: sorted(names) for part, names in parts.items()}


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for part, names in splits().items():
        (FOLDER / f"{part}.txt").write_text("\n".join(names) + "\n", encoding="utf-8")
        print(f"{part}: {len(names)} characters")


if __name__ == "__main__":
    main()
