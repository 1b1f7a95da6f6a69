"""Write the splits of the photograph sets that are committed in s2m/datasets/splits/: one class a line.

    python data_scripts/make_photo_splits.py

No data are needed. The order comes from sha256 of seed and name, as for Omniglot: see make_splits.py.
"""

import re
from collections.abc import Sequence

from make_splits import FOLDER, shuffled
from photo_classes import CALTECH, FLOWERS, FOREIGN, GROCERY

SEARCHED = ("Avocado", "Lemon", "Lime", "Mango", "Melon", "Orange", "Red-Grapefruit")  # coarse: the web queries' fruits
FOREIGN_IMAGES = 60  # packed by caltech101.py
Parts = dict[str, list[str]]


def in_parts(groups: dict[str, list[str]], test: int, validation: int, searched: Sequence[str] = ()) -> Parts:
    """The classes of these groups, a group whole in one part: the searched ones are in the test, others by hash."""
    parts: Parts = {"train": [], "validation": [], "test": [name for group in searched for name in groups[group]]}
    for group in shuffled(groups.keys() - set(searched)):
        for part, room in (("test", test), ("validation", validation), ("train", sum(map(len, groups.values())))):
            if len(parts[part]) + len(groups[group]) <= room:
                parts[part] += groups[group]
                break
    return parts


def caltech_groups() -> dict[str, list[str]]:
    """One class a group, but an animal's head, face or body goes with the animal."""
    groups: dict[str, list[str]] = {}
    for name in CALTECH:
        groups.setdefault(re.sub("_(head|face|body)$", "", name), []).append(name)
    return groups


def foreign_parts() -> Parts:
    """Caltech's foreign images, files in the packed set, in two halves."""
    files = [f"images/{FOREIGN}/image_{number:04d}.jpg" for number in range(1, FOREIGN_IMAGES + 1)]
    order = shuffled(files)
    return {"train": order[: len(order) // 2], "test": order[len(order) // 2 :]}


def splits() -> dict[str, list[str]]:
    """Every part of every split, "split-part" -> sorted names.

    flowers102: 68 / 12 / 22 classes; the paper's sizes are 80 / 22.
    caltech101: 64 / 13 / 22 classes. caltech101-foreign: 30 / 30 images.
    grocery_store: 49 / 10 / 22 fine classes; the test has every class that a web query of google_web asks for.
    """
    sets = {
        "flowers102": in_parts({name: [name] for name in FLOWERS}, test=22, validation=12),
        "caltech101": in_parts(caltech_groups(), test=22, validation=13),
        "caltech101-foreign": foreign_parts(),
        "grocery_store": in_parts(GROCERY, test=22, validation=10, searched=SEARCHED),
    }
    return {f"{name}-{part}": sorted(names) for name, parts in sets.items() for part, names in parts.items()}


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for part, names in splits().items():
        (FOLDER / f"{part}.txt").write_text("\n".join(names) + "\n", encoding="utf-8")
        print(f"{part}: {len(names)}")


if __name__ == "__main__":
    main()
