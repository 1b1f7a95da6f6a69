"""Photographs that are read when they are asked for, where fine-tuning needs pixels in place of cached descriptors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch
from PIL import Image
from torch import Tensor

from s2m.datasets import ImageSet
from s2m.images import read_photo
from s2m.reading import read_ahead

CHUNK = 32  # pictures at once; at 224 x 224 a chunk is 20 MB, and passes a small network in some 500 MB


class Pictures:
    """M photographs, indexed like a tensor (M, 3, H, W) by whole numbers, slices and tensors of places.

    parts: image sets and the files of each that count, one set after the other.
    prepare: what makes a photograph an image (3, H, W).

    Raises S2MError when a photograph is asked for that cannot be read.
    """

    def __init__(
        self, parts: Sequence[tuple[ImageSet, Sequence[str]]], prepare: Callable[[Image.Image], Tensor]
    ) -> None:
        self.items: list[tuple[ImageSet, int]] = []
        for images, files in parts:
            place = {file: index for index, file in enumerate(images.files)}
            self.items += [(images, place[file]) for file in files]
        self.prepare = prepare

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, places: Tensor | slice) -> Tensor | Pictures:
        """A slice is pictures again; a tensor of places gives images, (*places.shape, 3, H, W)."""
        if isinstance(places, slice):
            part = Pictures((), self.prepare)
            part.items = self.items[places]
            return part
        found = []
        for _, image in read_ahead(self.read, places.flatten().tolist()):
            if not isinstance(image, Tensor):
                raise image
            found.append(image)
        return torch.stack(found).unflatten(0, places.shape)

    def read(self, index: int) -> Tensor:
        """One image."""
        images, place = self.items[index]
        return self.prepare(read_photo(images.read(place), images.files[place]))

    def split(self, size: int) -> Iterator[Tensor]:
        """All images in order, a few at a time: `size` is what suits descriptors, and too many pictures."""
        for places in torch.arange(len(self)).split(min(size, CHUNK)):
            yield self[places]
