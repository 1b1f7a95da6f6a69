"""What the figures of the chapters share: colours, drawings as ink, and densities in the plane.

Nothing is drawn behind a figure and every colour is a mid-tone, so that it reads on a white page and on a dark one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LinearSegmentedColormap, to_rgb
from matplotlib.contour import QuadContourSet
from matplotlib.patches import Ellipse
from torch import Tensor

from s2m import Mixture

BLUE, ORANGE, GREEN, MAGENTA = "#2f86c8", "#e8842a", "#2ca25f", "#cc5fa3"  # those of s2m.mplstyle
CYAN, BROWN, GREY = "#22a6b3", "#a6761d", "#808080"


def fade(colour: str, strongest: float = 0.8) -> Colormap:
    """A colour map from nothing at all to `colour`."""
    red, green, blue = to_rgb(colour)
    return LinearSegmentedColormap.from_list("fade", [(red, green, blue, 0.0), (red, green, blue, strongest)])


def ink(images: np.ndarray, colour: str = GREY) -> np.ndarray:
    """Drawings (..., H, W) uint8, ink = 255, as coloured ink on nothing: (..., H, W, 4) in [0, 1].

    >>> ink(np.array([[0, 255]], np.uint8), "#ff0000").tolist()
    [[[1.0, 0.0, 0.0, 0.0], [1.0, 0.0, 0.0, 1.0]]]
    """
    alpha = images[..., None] / 255
    return np.concatenate([np.broadcast_to(to_rgb(colour), (*images.shape, 3)), alpha], -1)


def tile(drawings: np.ndarray, gap: int = 3) -> np.ndarray:
    """Drawings (rows, columns, H, W, 4) side by side as one picture, `gap` empty pixels around each.

    >>> tile(np.zeros((2, 3, 28, 28, 4)), gap=1).shape
    (60, 90, 4)
    """
    rows, columns = drawings.shape[:2]
    framed = np.pad(drawings, [(0, 0), (0, 0), (gap, gap), (gap, gap), (0, 0)])
    return framed.swapaxes(1, 2).reshape(rows * framed.shape[2], columns * framed.shape[3], 4)


def show_drawings(ax: Axes, drawings: np.ndarray, gap: int = 3) -> None:
    """Fill a set of axes with tiled drawings (rows, columns, H, W, 4) and nothing else."""
    ax.imshow(tile(drawings, gap), interpolation="nearest")
    ax.axis("off")


def log_density_map(density: Mixture, limits: tuple[float, float, float, float], points: int = 120) -> list[np.ndarray]:
    """Log density of the first mixture on a grid over (left, right, bottom, top): x, y and values, (points, points)."""
    x, y = np.meshgrid(np.linspace(*limits[:2], points), np.linspace(*limits[2:], points))
    with torch.no_grad():
        values = density.log_prob(torch.from_numpy(np.stack([x, y], -1)).flatten(0, 1))[0]
    return [x, y, values.reshape(points, points).numpy()]


def show_density(
    ax: Axes, density: Mixture, limits: tuple[float, float, float, float], levels: Sequence[float], colour: str = BLUE
) -> QuadContourSet:
    """Shade the log density of the first mixture, from nothing at the lowest level to `colour` at the highest."""
    ax.grid(False)
    return ax.contourf(*log_density_map(density, limits), levels=levels, cmap=fade(colour), extend="max")


def show_ellipses(ax: Axes, density: Mixture, colours: Sequence[str] = (BLUE,)) -> None:
    """Outline every Gaussian of the first mixture at one and two standard deviations."""
    weights, means, variances = (value[0].detach() for value in (density.weights, density.means, density.variances))
    for number, (mean, deviation) in enumerate(zip(means[weights > 0], variances[weights > 0].sqrt())):
        for radius in (1, 2):
            size = 2 * radius * deviation
            outline = Ellipse(mean.tolist(), *size.tolist(), fill=False, linewidth=1.4)
            outline.set_edgecolor(colours[number % len(colours)])
            ax.add_patch(outline)


def scatter(ax: Axes, points: Tensor, colour: str = ORANGE, **style: object) -> None:
    """Mark points (M, 2) in the plane."""
    ax.scatter(*points.detach().T.numpy(), **{"color": colour, "s": 22, "zorder": 3, "linewidths": 0, **style})
