"""Draw `memory.svg`: one set of descriptors and the places that four methods would return first.

    python book/figures/memory.py

The plane stands for a small patch of the sphere on which descriptors of length one lie: there the dot product of two of
them falls with their distance, so the relevances NN and AVG are drawn as minus a squared distance.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch

from s2m.models import fit_gaussian, fit_mixture

HERE = Path(__file__).resolve().parent
BLUE, ORANGE, GREY = "#2f86c8", "#e8842a", "#808080"
SHARES = (0.05, 0.12, 0.24)  # of the plane, inside the three lines


def descriptors(rng: np.random.Generator) -> np.ndarray:
    """A concept with two appearances, (14, 2)."""
    wide = rng.normal((-1.0, -0.75), (0.75, 0.16), size=(8, 2))
    tall = rng.normal((1.25, 0.55), (0.14, 0.5), size=(6, 2))
    return np.concatenate([wide, tall])


def main() -> None:
    """Fit, rank the plane, draw, and write the figure beside this file."""
    plt.rcParams.update({"svg.hashsalt": "s2m", "font.size": 10.5, "text.color": GREY, "mathtext.fontset": "cm"})
    points = descriptors(np.random.default_rng(3))
    x, y = np.meshgrid(np.linspace(-3, 3, 120), np.linspace(-2.2, 2.2, 88))
    plane = np.stack([x, y], axis=-1).reshape(-1, 2)
    set_, queries = torch.from_numpy(points), torch.from_numpy(plane)
    gaussian = fit_gaussian(set_)
    mixture = fit_mixture(set_, components=2, generator=torch.Generator().manual_seed(0))
    relevances = {
        "every descriptor (NN)": -((plane[:, None] - points) ** 2).sum(-1).min(1),
        "the mean (AVG)": -((plane - points.mean(0)) ** 2).sum(-1),
        "a Gaussian": gaussian.log_prob(queries).numpy(),
        "a mixture of two": mixture.log_prob(queries).numpy(),
    }
    fig, axes = plt.subplots(1, 4, figsize=(8, 1.9), layout="constrained")
    for ax, (title, relevance) in zip(axes, relevances.items()):
        levels = [*np.quantile(relevance, [1 - share for share in SHARES[::-1]]), relevance.max() + 1]
        grid = relevance.reshape(x.shape)
        for level in levels[:-1]:
            ax.contourf(x, y, grid, [level, levels[-1]], colors=[BLUE], alpha=0.16)
        ax.contour(x, y, grid, levels[:-1], colors=[BLUE], linewidths=1, linestyles="solid")
        ax.scatter(*points.T, s=9, color=ORANGE, zorder=3)
        ax.set(title=title, xticks=[], yticks=[], aspect="equal")
        ax.title.set(fontsize=10.5, color=GREY)
        plt.setp(ax.spines.values(), color=GREY, alpha=0.5)
        ax.set_facecolor("none")
    fig.savefig(HERE / "memory.svg", transparent=True, metadata={"Date": None})


if __name__ == "__main__":
    main()
