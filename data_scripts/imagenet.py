"""Pack ImageNet synsets, from the archives that you have, into one file.

    python data_scripts/imagenet.py --source FOLDER

J. Deng et al., "ImageNet: a large-scale hierarchical image database", CVPR 2009; images for research on request from
image-net.org. FOLDER holds one archive for each synset (n00007846.tar and on). All of them are packed, or those that
a file synsets.txt beside them names, one a line.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from archives import members
from photo_packing import Photo, Recipe, main

from s2m.errors import S2MError

LIST = "synsets.txt"


def synsets(folder: Path) -> list[str]:
    """The synsets to be packed. Raises S2MError for a name that is none, is named twice, or has no archive."""
    if not (folder / LIST).is_file():
        return sorted(path.stem for path in folder.glob("n*.tar"))
    names = (folder / LIST).read_text(encoding="utf-8").split()
    for name in names:
        if not re.fullmatch(r"n\d{8}", name) or names.count(name) > 1:
            raise S2MError(f"{folder / LIST} has {name!r}: name each synset once, as n and 8 digits")
        if not (folder / f"{name}.tar").is_file():
            raise S2MError(f"{folder} has no {name}.tar, which {LIST} names: get it, or take the name out")
    return names


def read(folder: Path) -> Iterator[Photo]:
    """n00007846_6247.JPEG and on, with the synset as the class."""
    for synset in synsets(folder):
        for member, content in members(folder / f"{synset}.tar", lambda name: name.endswith(".JPEG")):
            yield Photo(f"images/{synset}/{PurePosixPath(member).name}", synset, content)


RECIPE = Recipe("imagenet", read)

if __name__ == "__main__":
    sys.exit(main(RECIPE))
