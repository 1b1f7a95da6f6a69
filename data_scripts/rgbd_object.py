"""Pack the RGB-D Object set, from archives or a folder that you have, into one file.

    python data_scripts/rgbd_object.py --source FOLDER

K. Lai, L. Bo, X. Ren, D. Fox, "A large-scale hierarchical multi-view RGB-D object dataset", ICRA 2011: 300 objects of
51 categories on a turntable; free for research, from the University of Washington. FOLDER holds the archives of the
categories (apple.tar and on) or the folder `rgbd-dataset` unpacked from them. Packed is the 1st, 6th, 11th... frame of
every video, as the authors do, as a crop in colour without depth.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from archives import members
from photo_packing import Photo, Recipe, main

# category/category_object/category_object_video_frame_crop.png, whatever folder it is in
CROP = re.compile(r"(?:.*/)?(([a-z_]+)/(\2_\d+)/\3_\d+_(\d+)_crop\.png)")
STEP = 5


def _wanted(name: str) -> bool:
    found = CROP.fullmatch(name)
    return found is not None and int(found[4]) % STEP == 1


def read(folder: Path) -> Iterator[Photo]:
    """The crops, with the category as the class and the object as the group."""
    for source in sorted(folder.glob("*.tar")) or [folder]:
        for name, content in members(source, _wanted):
            found = CROP.fullmatch(name)
            assert found is not None  # it is wanted
            yield Photo(f"images/{found[1]}", found[2], content, group=found[3])


RECIPE = Recipe("rgbd_object", read)

if __name__ == "__main__":
    sys.exit(main(RECIPE))
