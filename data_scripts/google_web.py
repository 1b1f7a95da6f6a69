"""Get raw results of Google's image search and pack them into one file.

    python data_scripts/google_web.py [--source FOLDER]

R. Rathore, Z. Leggon, L. Lessard, K. B. Schloss, "Estimating color-concept associations from image statistics", IEEE
TVCG 2020: 12 fruits, each searched with the filters "top", "photo" and "cartoon", and 6 materials; some 50 to 70
images a query, as the engine ranked them. They belong to their owners on the web: measure on them, do not show them.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from archives import members, require_whole_zip
from photo_packing import Photo, Recipe, main

COMMIT = "3eeea02360150a5cb64e57a9ccb9c97548e8803a"
ARCHIVE = f"Color-Concept-Associations-using-Google-Images-{COMMIT}.zip"
MOST_BYTES = 4_000_000  # the few larger files are no part of the set


def read(folder: Path) -> Iterator[Photo]:
    """downloads/photo/lime/07. name.jpg, where 7 is the rank; the materials are in downloads/test/."""
    for member, content in members(folder / ARCHIVE, lambda name: "/downloads/" in name):
        found = re.fullmatch(r".*/downloads/(top|photo|cartoon|test)/(\w+)/(\d+)\. [^/]*", member)
        if found and len(content) <= MOST_BYTES:
            kind, query, rank = found[1].replace("test", "top"), found[2].lower(), int(found[3])
            yield Photo(f"images/{kind}/{query}/{rank:03d}.jpg", f"{query}/{kind}", content, rank=str(rank))


RECIPE = Recipe(
    "google_web",
    read,
    official=(ARCHIVE,),
    downloads={
        ARCHIVE: (
            f"https://github.com/Raginii/Color-Concept-Associations-using-Google-Images/archive/{COMMIT}.zip",
            require_whole_zip,
        )
    },
    small="google_web_raw.zip",
    describe=lambda row: (f"{row['query']}/{row['filter']}", row["rank"], ""),
    images=2214,
    classes=42,
    index_sha256="8557cfbcbeeda605c48781874772cd5bc68ebfcc12023cf206cef7c86cfb54e3",
    small_sha256="71cd4168cce76549dd88589a704fe5b735b81f27af9259fad8d1c644a1e0705c",
)

if __name__ == "__main__":
    sys.exit(main(RECIPE))
