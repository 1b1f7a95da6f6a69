"""The part of the README that is made from results/tables."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path

import pandas as pd

BEGIN, END = "<!-- headline: generated from results/tables -->", "<!-- end of headline -->"
HEADLINE = "omniglot_classification.csv", "omniglot_beyond.csv"  # the accuracies that are shown
SETTINGS = (5, 5), (20, 5), (20, 1)  # their ways and shots
COLUMNS = {
    "Flowers": "flowers102", "60 % foreign": "flowers102, 60 % foreign", "two meanings": "flowers102, two meanings",
    "Caltech": "caltech101", "Grocery": "grocery_store", "web to Grocery": "web top to grocery_store",
}  # fmt: skip
PHOTO_METHODS = (
    "NN-PL", "AVG-PL", "NN-FT", "AVG-FT", "S2M-Gauss", "S2M-GMM2", "AVG-FT, better start", "S2M-GMM2, better start",
    "S2M-GMM2, better start, prior of 3",
)  # fmt: skip
NOISE = {"clean": (1, 0), "30 % foreign": (1, 3), "60 % foreign": (1, 6), "two meanings": (2, 0)}  # meanings, foreign


def headline(tables: Path) -> str:
    """Ours with its 95 % interval over seeds, and the published figure in brackets."""
    found = [pd.read_csv(path) for path in map(tables.joinpath, HEADLINE) if path.exists()]
    if (path := tables / "omniglot_looks.csv").exists():
        looks = pd.read_csv(path)
        last = looks[looks.method == looks.method.iloc[-1]]
        found.append(last.assign(method=last.method + ", nine looks", tasks="any", published=float("nan")))
    accuracies = pd.concat(found).set_index(["method", "way", "shot", "tasks"])
    precisions = pd.read_csv(tables / "omniglot_retrieval.csv").set_index("method")

    def cell(found: pd.DataFrame, key: object, column: str) -> str:
        if key not in found.index:
            return "–"
        row = found.loc[key]
        ours = f"{100 * row[column]:.2f}" + ("" if pd.isna(row.ci95) else f" ± {100 * row.ci95:.2f}")
        return ours if pd.isna(row.published) else f"{ours} ({100 * row.published:.1f})"

    titles = [f"{way}-way {shot}-shot" for way, shot in SETTINGS]
    lines = [
        f"| Omniglot | {' | '.join(titles)} | Seeds | retrieval mAP | Seeds |",
        "|:--|" + "--:|" * (len(titles) + 3),
    ]
    for label in accuracies.index.unique("method"):
        cells = [cell(accuracies, (label, way, shot, "any"), "accuracy") for way, shot in SETTINGS]
        seeds = accuracies.seeds[(label, *SETTINGS[0], "any")], precisions.seeds.get(label, "–")
        lines.append(f"| {label} | {' | '.join(cells)} | {seeds[0]} | {cell(precisions, label, 'map')} | {seeds[1]} |")
    lines += ["", "Percent, mean of seeds ± the 95 % interval over them; in brackets what was published."]
    return "\n".join(lines)


def robustness(tables: Path) -> str:
    """Mean average precision of what may be kept of a noisy set, on the same features."""
    path = tables / "omniglot_robustness.csv"
    if not path.exists():
        return ""
    found = pd.read_csv(path)
    found = found[found.features == "AVG-FT"].set_index(["method", "meanings", "foreign"])["map"]
    lines = [f"| mAP, concept sets: | {' | '.join(NOISE)} |", "|:--|" + "--:|" * len(NOISE)]
    for method in ("AVG", "NN", "Gauss", "GMM2", "GMM4", "BIC"):
        lines.append(f"| {method} | {' | '.join(f'{100 * found[(method, *kind)]:.1f}' for kind in NOISE.values())} |")
    note = "Ten examples, some of them of other characters, or five of each of two; one embedding, learned for AVG."
    return "\n".join(["", *lines, "", note])


def photographs(tables: Path) -> str:
    """Mean average precision on photographs, published figures in brackets."""
    path = tables / "table1.csv"
    if not path.exists():
        return ""
    found = pd.read_csv(path).set_index(["method", "collection"])
    if not set(product(PHOTO_METHODS, COLUMNS.values())) <= set(found.index):
        return ""
    lines = [f"| mAP, photographs: | {' | '.join(COLUMNS)} |", "|:--|" + "--:|" * len(COLUMNS)]
    for method in PHOTO_METHODS:
        rows = [found.loc[(method, collection)] for collection in COLUMNS.values()]
        cells = [
            f"{100 * row['map']:.1f}" + ("" if pd.isna(row.published) else f" ({100 * row.published:.1f})")
            for row in rows
        ]
        lines.append(f"| {method} | {' | '.join(cells)} |")
    note = (
        "Twenty examples a concept, in the last column raw web images; features of EfficientNet-Lite0, PL as they "
        "come, else with a last layer that was learned on other classes, from principal components where it says "
        "better start, with a prior worth one example or three. In brackets what was published, with web "
        "images as examples and, for Caltech and Grocery, on other collections: ImageNet and RGB-D Object."
    )
    return "\n".join(["", *lines, "", note])


def cost(results: Path) -> str:
    """How many runs there are, and how long they took."""
    seconds = [json.loads(path.read_text())["seconds"] for path in results.glob("*/*/seed-*/provenance.json")]
    return f"\n{len(seconds)} runs, {sum(seconds) / 3600:.0f} hours of a processor's thread in all.\n"


def with_results(readme: str, tables: Path) -> str:
    """The text of the README with its tables replaced."""
    before, _, rest = readme.partition(BEGIN)
    parts = [BEGIN, headline(tables), robustness(tables), photographs(tables), cost(tables.parent)]
    return before + "\n".join(part for part in parts if part) + END + rest.partition(END)[2]
