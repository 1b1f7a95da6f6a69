"""Characters drawn by a program (in preparation)."""

from s2m.datasets.characters import Characters


def generate_characters(classes: int = 300, drawings: int = 20, seed: int = 0) -> Characters:
    raise NotImplementedError
