"""Leave out of collected folders what shows again an image of the collection that they are to search."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from web_folder import read_index, write_index

from s2m.datasets.image_set import ImageSet
from s2m.datasets.photos import load_photos
from s2m.duplicates import find_repeats, hash_photos
from s2m.images import read_photo


def leave_out_repeats(folders: Sequence[Path], collection: str) -> int:
    """Delete the images in `folders` that repeat one of the collection, and say so in each index.csv.

    folders: of queries, side by side, each with an index.csv. collection: a set, or a folder of class folders.
    Returns how many were deleted. Raises S2MError for sets that cannot be read.
    """
    from s2m.backbones import load_backbone
    from s2m.descriptors import describe_photos

    out = folders[0].parent
    web, described = load_photos(out).select([folder.name for folder in folders]), load_photos(collection)
    backbone = load_backbone()
    web_descriptors, descriptors = describe_photos(web, backbone), describe_photos(described, backbone)
    repeats = find_repeats(
        _hashes(web, web_descriptors.files),
        web_descriptors.values,
        _hashes(described, descriptors.files),
        descriptors.values,
    )
    indices = {folder: read_index(folder) for folder in folders}
    rows = {f"{folder.name}/{row['file']}": (folder, row) for folder in folders for row in indices[folder].values()}
    deleted = 0
    for i in np.flatnonzero(repeats.found):
        if web_descriptors.files[i] not in rows:  # put there by hand
            continue
        folder, row = rows[web_descriptors.files[i]]
        (folder / row["file"]).unlink()  # before the index: a run killed in between fetches it and leaves it out again
        row["file"] = ""
        row["left_out"] = (
            f"repeats {descriptors.files[repeats.image[i]]} of {described.source} "
            f"({repeats.bits[i]} bits, cosine {repeats.cosine[i]:.2f})"
        )
        write_index(folder, indices[folder])
        deleted += 1
    return deleted


def _hashes(images: ImageSet, files: Sequence[str]) -> np.ndarray:
    """Of these files alone: what cannot be read was not described either."""
    places = {file: place for place, file in enumerate(images.files)}
    return hash_photos(read_photo(images.read(places[file]), file) for file in files)
