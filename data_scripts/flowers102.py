"""Get Flowers-102 and pack it into one file.

    python data_scripts/flowers102.py [--source FOLDER]

M.-E. Nilsback, A. Zisserman, "Automated flower classification over a large number of classes", ICVGIP 2008: 8189
images of 102 kinds of flower, gathered from the web; no licence is stated. Its official split (setid.mat) divides the
images of each class and is not read: here classes are divided, see `s2m.datasets.load_split`.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from archives import members, require_md5
from photo_classes import FLOWERS
from photo_packing import Photo, Recipe, main
from scipy.io import loadmat

HOME = "https://www.robots.ox.ac.uk/~vgg/data/flowers/102/"
LABELS_ARE_RIGHT = require_md5("e0620be6f572b9609742df49c70aed4d")


def read(folder: Path) -> Iterator[Photo]:
    """jpg/image_00001.jpg and on in the archive; the label of each in the other file."""
    LABELS_ARE_RIGHT(folder / "imagelabels.mat")
    labels = loadmat(folder / "imagelabels.mat", squeeze_me=True)["labels"].tolist()
    for member, content in members(folder / "102flowers.tgz", lambda name: True):
        found = re.fullmatch(r".*/(image_(\d+)\.jpg)", member)
        if found and 0 < int(found[2]) <= len(labels):
            label = labels[int(found[2]) - 1]
            yield Photo(f"images/{label:03d}/{found[1]}", FLOWERS[label - 1], content)


RECIPE = Recipe(
    "flowers102",
    read,
    official=("102flowers.tgz", "imagelabels.mat"),
    downloads={
        "102flowers.tgz": (HOME + "102flowers.tgz", require_md5("52808999861908f626f3c1f4e79d11fa")),
        "imagelabels.mat": (HOME + "imagelabels.mat", LABELS_ARE_RIGHT),
    },
    small="flowers102.zip",
    describe=lambda row: (row["name"], "", ""),
    images=8189,
    classes=102,
    index_sha256="d58e399bf9d63455ee2e985f84742471bee209b888797d580bdf02f58c94c72b",
    small_sha256="0ac2cb0bddf9216e6669b983967e58c19743fa0670f21e7cf4f06c8c8a97bdea",
)

if __name__ == "__main__":
    sys.exit(main(RECIPE))
