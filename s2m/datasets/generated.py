"""Characters drawn by a program: random pen strokes, each drawn by many different hands.

They stand in for Omniglot on a machine with neither data nor network. A **character** is a skeleton of one to four
strokes. A stroke is a pen that moves along at even speed and turns: it has one to three pieces, every piece is a line
or an arc, and between two pieces there may be a corner. A **drawer** has a style (slant, size, proportions, pen width,
how sloppy); every drawing repeats the skeleton with the drawer's style and with slips of its own.

The sizes of style and slips were chosen so that raw pixels do about as well as on Omniglot. With the class of the most
similar example as the answer, 5-way 5-shot tasks end at 0.75 (Omniglot: 0.74), 20-way at 0.54 (0.55).
"""

from dataclasses import dataclass

import numpy as np

from s2m.datasets.characters import Characters
from s2m.errors import S2MError

SIDE = 28
MARGIN = 1  # pixels between ink and the edge
POINTS = 60  # pen positions along a stroke: divisible by 1, 2 and 3 pieces, closer than half a pixel in most strokes
QUARTER = np.pi / 2


def generate_characters(classes: int = 300, drawings: int = 20, seed: int = 0) -> Characters:
    """Characters of random pen strokes, (classes, drawings, 28, 28) uint8 with ink = 255.

    The same seed gives the same characters, and the first ones do not depend on how many are asked for. Drawing d of
    every character is by the same drawer d, as in one alphabet of Omniglot. 300 x 20 take about a second.

    Raises S2MError unless classes and drawings are at least 1 and the seed is not negative.

    >>> generate_characters(classes=2, drawings=3).names
    ('Generated/character0001', 'Generated/character0002')
    """
    if classes < 1 or drawings < 1 or seed < 0:
        asked = f"{classes} classes, {drawings} drawings, seed {seed}"
        raise S2MError(f"cannot generate characters ({asked}): take at least 1, 1 and 0")
    styles = np.random.default_rng([seed, 0]).normal(size=(drawings, 6))
    images = np.empty((classes, drawings, SIDE, SIDE), np.uint8)
    for number in range(classes):
        images[number] = _render(*_draw(np.random.default_rng([seed, 1, number]), styles))
    names = tuple(f"Generated/character{number:04d}" for number in range(1, classes + 1))
    return Characters(images, names, "generated characters")


@dataclass(frozen=True)
class _Stroke:
    """What all hands share: angles in radians, lengths in the skeleton's own unit."""

    start: np.ndarray | int  # (2,), or the number of the earlier pen position where this stroke begins
    heading: float  # direction in which the pen sets off
    turn: np.ndarray  # (pieces,) how far each piece bends, 0 for a line
    corner: np.ndarray  # (pieces,) sudden change of direction before each piece; the first is not used
    length: np.ndarray  # (pieces,)


def _skeleton(rng: np.random.Generator) -> list[_Stroke]:
    strokes = []
    count = rng.choice([1, 2, 3, 4], p=[0.15, 0.4, 0.3, 0.15])
    for number in range(count):
        # a lone stroke has three pieces: a line or an arc by itself could hardly be told from its neighbours
        pieces = rng.choice([1, 2, 3], p=[0.45, 0.4, 0.15]) if count > 1 else 3
        attached = number > 0 and rng.random() < 0.65
        sides = rng.choice([-1, 1], size=(2, pieces)) * QUARTER
        strokes.append(
            _Stroke(
                start=int(rng.integers(POINTS * number)) if attached else rng.uniform(-0.6, 0.6, size=2),
                heading=rng.choice([-0.5, 0, 0.5, 1, 1, 1.5, 2]) * QUARTER + 0.15 * rng.normal(),
                turn=rng.choice([0, 0, 0, 0.6, 1, 2, 3.2], size=pieces) * sides[0],
                corner=rng.choice([0, 1, 1, 1.4], size=pieces) * sides[1],
                length=rng.uniform(0.6, 1.4, size=pieces),
            )
        )
    return strokes


def _draw(rng: np.random.Generator, styles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One character by every drawer: pen positions (D, points, 2) in pixels, x first, and pen widths (D,)."""
    slant, size, aspect, width, tilt, sloppy = styles.T
    paths: list[np.ndarray] = []
    for stroke in _skeleton(rng):
        slips = rng.normal(size=(len(styles), 12)) * np.exp(0.3 * sloppy)[:, None]
        slips = np.concatenate([np.zeros((1, 12)), slips])  # row 0: the skeleton itself, drawn without a slip
        paths.append(_stroke_path(stroke, slips, paths))
    path = np.concatenate(paths, axis=1)  # (1 + D, points, 2)
    low, high = path[0].min(axis=0), path[0].max(axis=0)
    x, y = np.moveaxis((path[1:] - (low + high) / 2) / max(*(high - low)), -1, 0)  # the skeleton fills a box of side 1

    extent = rng.uniform(14, 22)
    slips = rng.normal(size=(len(styles), 4))
    scale = extent * np.exp(0.1 * size + 0.05 * slips[:, 0])
    stretch, angle = np.exp(0.1 * aspect), 0.06 * tilt + 0.05 * slips[:, 1]
    cos, sin = np.cos(angle), np.sin(angle)
    lean = np.array([[stretch, -0.15 * slant / stretch], [0 * stretch, 1 / stretch]])  # (2, 2, D)
    turned = np.einsum("ijd,jkd->dik", np.array([[cos, -sin], [sin, cos]]), scale * lean)
    return _in_frame(np.stack([x, y], axis=-1) @ turned.transpose(0, 2, 1), slips[:, 2:]), 1.5 * np.exp(0.15 * width)


def _stroke_path(stroke: _Stroke, slips: np.ndarray, before: list[np.ndarray]) -> np.ndarray:
    """One stroke by every hand, (1 + D, POINTS, 2); slips (1 + D, 12) in units of what is usual."""
    pieces = len(stroke.turn)
    each = POINTS // pieces
    turn = stroke.turn * (1 + 0.1 * slips[:, :pieces]) + 0.12 * slips[:, :pieces]
    corner = stroke.corner + 0.1 * slips[:, 3 : 3 + pieces]
    length = stroke.length * np.exp(0.12 * slips[:, 6 : 6 + pieces])
    change = np.repeat(turn / each, each, axis=1)
    change[:, ::each] += corner
    change[:, 0] = stroke.heading + 0.1 * slips[:, 9]
    heading = np.cumsum(change, axis=1)
    step = np.repeat(length / each, each, axis=1)
    move = np.stack([step * np.cos(heading), step * np.sin(heading)], axis=-1)
    start = np.concatenate(before, axis=1)[:, stroke.start] if isinstance(stroke.start, int) else stroke.start
    return np.cumsum(move, axis=1) + (start + 0.05 * slips[:, 10:])[:, None]


def _in_frame(path: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Move the drawings (D, points, 2) to the middle plus shift (D, 2); what would leave the image is held inside."""
    room = SIDE - 1 - 2 * MARGIN
    span = path.max(axis=1) - path.min(axis=1)
    path = path * np.minimum(1, room / span.max(axis=1))[:, None, None]
    path = path + (SIDE - 1) / 2 + shift[:, None]
    low, high = path.min(axis=1), path.max(axis=1)
    return path + (np.maximum(MARGIN - low, 0) - np.maximum(high - (SIDE - 1 - MARGIN), 0))[:, None]


def _render(path: np.ndarray, width: np.ndarray) -> np.ndarray:
    """Pen positions (D, points, 2), widths (D,) -> (D, 28, 28) uint8: ink by the distance to the nearest position."""
    grid = np.arange(SIDE, dtype=np.float32)
    square = (grid - path[..., None].astype(np.float32)) ** 2  # (D, points, 2, 28): along x and along y
    images = np.empty((len(path), SIDE, SIDE), np.uint8)
    for number, (along, radius) in enumerate(zip(square, width / 2)):
        nearest = np.sqrt((along[:, 1, :, None] + along[:, 0, None, :]).min(axis=0))  # (28 down, 28 across)
        images[number] = np.rint(255 * np.clip(radius + 0.5 - nearest, 0, 1))
    return images
