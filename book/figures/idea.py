"""Draw `idea.svg`, the method in one figure: set, model, ranking, and what is learned.

    python book/figures/idea.py

The places in the plane are made up, the rest is not: the Gaussian is fitted to the five dots, and the bars are the log
densities of the queries, up to a constant.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Ellipse, FancyArrowPatch

HERE = Path(__file__).resolve().parent
BLUE, ORANGE, GREEN, MAGENTA, GREY = "#2f86c8", "#e8842a", "#2ca25f", "#cc5fa3", "#808080"

# Characters as pen strokes, control points in a unit square.
CHARACTERS = {
    "fork": [[(0.15, 0.95), (0.2, 0.5), (0.5, 0.4), (0.8, 0.5), (0.85, 0.95)], [(0.5, 0.85), (0.5, 0.5), (0.48, 0.05)]],
    "hook": [[(0.2, 0.8), (0.5, 1.0), (0.8, 0.75), (0.4, 0.45), (0.3, 0.1), (0.8, 0.1)]],
    "gate": [[(0.15, 0.05), (0.15, 0.5), (0.2, 0.95)], [(0.2, 0.9), (0.5, 0.9), (0.85, 0.9)],
             [(0.85, 0.9), (0.82, 0.5), (0.85, 0.05)], [(0.15, 0.45), (0.5, 0.45), (0.82, 0.5)]],
    "loop": [[(0.1, 0.1), (0.6, 0.4), (0.8, 0.8), (0.5, 1.0), (0.2, 0.8), (0.4, 0.4), (0.9, 0.1)]],
}  # fmt: skip


def smooth(points: np.ndarray) -> np.ndarray:
    """A Catmull-Rom curve (P, 2) through control points (K, 2)."""
    p = np.concatenate([points[:1], points, points[-1:]])
    t = np.linspace(0, 1, 12)[:, None]
    pieces = [
        0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
        for a, b, c, d in zip(p, p[1:], p[2:], p[3:])
    ]
    return np.concatenate(pieces)


def write_character(
    ax: Axes, name: str, centre: tuple[float, float], size: float, colour: str, rng: np.random.Generator
) -> None:
    """One person's drawing of a character: slanted, stretched and with slips of the pen."""
    turn = np.eye(2) + rng.normal(scale=0.09, size=(2, 2))
    for stroke in CHARACTERS[name]:
        points = np.array(stroke) - 0.5 + rng.normal(scale=0.035, size=(len(stroke), 2))
        curve = smooth(points @ turn) * size + centre
        ax.plot(*curve.T, color=colour, linewidth=2, solid_capstyle="round", solid_joinstyle="round")


def arrow(ax: Axes, start: tuple[float, float], end: tuple[float, float], **style: object) -> None:
    """An arrow in figure units."""
    style = {"color": GREY, "linewidth": 1.4, "arrowstyle": "-|>", "mutation_scale": 13, **style}
    ax.add_patch(FancyArrowPatch(start, end, **style))


def main() -> None:
    """Draw the figure and write it beside this file."""
    plt.rcParams.update({"svg.hashsalt": "s2m", "font.size": 10.5, "text.color": GREY, "mathtext.fontset": "cm"})
    rng = np.random.default_rng(4)
    fig = plt.figure(figsize=(8, 3.7))
    ax = fig.add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, 8), ylim=(0, 3.7), aspect="equal")
    ax.axis("off")

    # 1. the concept set
    ax.text(0.95, 3.45, "a few examples $X$", ha="center")
    for place in [(0.6, 2.85), (1.3, 2.85), (0.6, 2.1), (1.3, 2.1), (0.95, 1.35)]:
        write_character(ax, "fork", place, 0.5, ORANGE, rng)

    # 2. the model: a Gaussian with a diagonal covariance, fitted to the descriptors
    arrow(ax, (1.75, 2.1), (2.5, 2.1))
    ax.text(2.12, 2.22, "embed", ha="center")
    ax.text(2.12, 1.85, "$f(\\cdot\\,; w)$", ha="center")
    dots = np.array([(3.2, 2.25), (3.75, 1.6), (3.95, 2.2), (4.3, 2.6), (4.55, 1.85)])
    mean, deviation = dots.mean(axis=0), dots.std(axis=0)
    ax.text(3.95, 3.45, "a model of the set, $p(\\cdot \\mid X)$", ha="center")
    for radius in (2, 1):
        ax.add_patch(Ellipse(mean, *(2 * radius * deviation), facecolor=BLUE, alpha=0.18))
        ax.add_patch(Ellipse(mean, *(2 * radius * deviation), fill=False, edgecolor=BLUE, linewidth=1))
    ax.scatter(*dots.T, s=26, color=ORANGE, zorder=3)

    # 3. the ranking: queries by their log density under the model
    queries = [("fork", (3.6, 1.98)), ("fork", (4.3, 2.22)), ("fork", (3.68, 2.5)),
               ("hook", (4.9, 1.2)), ("gate", (2.75, 1.25)), ("loop", (5.15, 2.95))]  # fmt: skip
    scores = [-0.5 * float(np.sum(((np.array(place) - mean) / deviation) ** 2)) for _, place in queries]
    arrow(ax, (5.4, 2.1), (6.05, 2.1))
    ax.text(5.72, 2.22, "score", ha="center")
    ax.text(5.72, 1.85, "$\\log p$", ha="center")
    ax.text(6.95, 3.45, "everything else, ranked", ha="center")
    for row, index in enumerate(np.argsort(scores)[::-1]):
        (name, place), height = queries[index], 3.1 - 0.4 * row
        colour = GREEN if name == "fork" else MAGENTA
        write_character(ax, name, place, 0.25, colour, rng)
        write_character(ax, name, (6.4, height), 0.27, colour, rng)
        length = 1.1 * (1 + (scores[index] - max(scores)) / (max(scores) - min(scores) + 1))
        ax.plot([6.7, 6.7 + length], [height] * 2, color=colour, linewidth=7, solid_capstyle="butt")

    # 4. what is learned
    arrow(ax, (6.95, 0.82), (2.12, 1.7), connectionstyle="bar,fraction=-0.075,angle=0", linestyle=(0, (4, 3)))
    ax.text(4.5, 0.16, "learn $w$ on many concepts, so that relevant queries score above irrelevant ones", ha="center")
    fig.savefig(HERE / "idea.svg", transparent=True, metadata={"Date": None})


if __name__ == "__main__":
    main()
