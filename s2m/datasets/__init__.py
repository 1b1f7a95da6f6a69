"""Handwritten characters (Omniglot where it is at hand, else drawn by a program), and sets of photographs."""

from s2m.datasets.characters import Characters
from s2m.datasets.generated import generate_characters
from s2m.datasets.loading import load_characters
from s2m.datasets.photos import ImageSet, load_photos
from s2m.datasets.splits import QUERY_CLASSES, by_alphabet, load_foreign, load_split, split_characters

__all__ = [
    "QUERY_CLASSES",
    "Characters",
    "ImageSet",
    "by_alphabet",
    "generate_characters",
    "load_characters",
    "load_foreign",
    "load_photos",
    "load_split",
    "split_characters",
]
