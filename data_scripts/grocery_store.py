"""Get the Grocery Store set and pack it into one file.

    python data_scripts/grocery_store.py [--source FOLDER]

M. Klasson, C. Zhang, H. Kjellstrom, "A hierarchical grocery store image dataset with visual and semantic labels",
WACV 2019; MIT licence: 5421 photographs of fruit, vegetables and packages in 81 fine classes. The shop's own pictures
of the products are left out.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from archives import members, require_whole_zip
from photo_classes import GROCERY
from photo_packing import Photo, Recipe, main

COMMIT = "fc80ba90f803d79d0383df52c5a4ac5de99ff6fc"
ARCHIVE = f"GroceryStoreDataset-{COMMIT}.zip"
COARSE = {fine: coarse for coarse, members_of in GROCERY.items() for fine in members_of}


def read(folder: Path) -> Iterator[Photo]:
    """dataset/train/Fruit/Apple/Pink-Lady/Pink-Lady_001.jpg and on; the coarse classes of one kind have no folder."""
    for member, content in members(folder / ARCHIVE, lambda name: name.endswith(".jpg")):
        found = re.fullmatch(r".*/dataset/((?:train|val|test)/.*?([^/]+)/[^/]+)", member)
        if found:
            yield Photo(f"images/{found[1]}", found[2], content, group=COARSE.get(found[2], ""))


RECIPE = Recipe(
    "grocery_store",
    read,
    official=(ARCHIVE,),
    downloads={
        ARCHIVE: (
            f"https://github.com/marcusklasson/GroceryStoreDataset/archive/{COMMIT}.zip",
            require_whole_zip,
        )
    },
    small="grocery_store.zip",
    describe=lambda row: None if row["iconic"] == "1" else (row["class"], "", row["coarse"]),
    images=5421,
    classes=81,
    index_sha256="0a7a039738e6824f0825798df2e0fa550e8f999da51d3a11f0172d9ebeb7a4f4",
    small_sha256="079cc4451c76b3750470be48c307857ab99790e79e7135022e358e3ef23a4bb5",
)

if __name__ == "__main__":
    sys.exit(main(RECIPE))
