"""Handwritten characters: Omniglot where it is at hand, characters drawn by a program where it is not."""

from s2m.datasets.characters import Characters
from s2m.datasets.generated import generate_characters
from s2m.datasets.loading import load_characters
from s2m.datasets.splits import by_alphabet, load_split, split_characters

__all__ = ["Characters", "by_alphabet", "generate_characters", "load_characters", "load_split", "split_characters"]
