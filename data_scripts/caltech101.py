"""Get Caltech-101 and pack it into one file.

    python data_scripts/caltech101.py [--source FOLDER]

L. Fei-Fei, R. Fergus, P. Perona, "Learning generative visual models from few training examples", CVPR Workshops 2004;
published for research. Packed are at most 60 images of each of 99 classes, and 60 of BACKGROUND_Google: what a search
engine gave for a query without a subject. The two classes of faces are left out: they are the same people twice.
"""

import re
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

from archives import BROKEN, CURE, require_md5, tar_members
from photo_classes import CALTECH, FOREIGN
from photo_packing import Photo, Recipe, main

from s2m.errors import S2MError

ARCHIVE, INSIDE = "caltech-101.zip", "caltech-101/101_ObjectCategories.tar.gz"
MOST = 60  # images of a class: a few classes have hundreds


def read(folder: Path) -> Iterator[Photo]:
    """101_ObjectCategories/ant/image_0001.jpg and on in a tar archive within the zip archive."""
    classes = {*CALTECH, FOREIGN}
    try:
        with zipfile.ZipFile(folder / ARCHIVE) as archive, archive.open(INSIDE) as stream:
            for member, content in tar_members(folder / ARCHIVE, stream, lambda name: name.endswith(".jpg")):
                found = re.fullmatch(r".*/(\w+)/(image_(\d+)\.jpg)", member)
                if found and found[1] in classes and int(found[3]) <= MOST:
                    yield Photo(f"images/{found[1]}/{found[2]}", found[1], content)
    except (KeyError, *BROKEN) as error:
        raise S2MError(f"{folder / ARCHIVE} is not a whole archive of Caltech-101 ({error}): {CURE}") from error


RECIPE = Recipe(
    "caltech101",
    read,
    official=(ARCHIVE,),
    downloads={
        ARCHIVE: (
            f"https://data.caltech.edu/records/mzrjq-6wc02/files/{ARCHIVE}",
            require_md5("3138e1922a9193bfa496528edbbc45d0"),
        )
    },
    small="caltech101.zip",
    images=5233,
    classes=100,
    index_sha256="8fdf75d5ba2f0fa9728fbe4b33707ce9da71d6103a775db09c03d6f9e6f6722e",
    small_sha256="7b724e282ed4fb2318ab9a0783409670ab11e207b28130cddf0c1894c220155d",
)

if __name__ == "__main__":
    sys.exit(main(RECIPE))
