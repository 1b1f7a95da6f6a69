"""The tables of web queries, on the descriptors that come with the book and on made-up runs."""

from pathlib import Path

import copies
import numpy as np
import pandas as pd
import pytest
import torch
import web_queries as program
import web_senses
from sklearn.metrics import silhouette_score

from s2m import Descriptors
from s2m.datasets import QUERY_CLASSES
from s2m.evaluation import confidence95


def described(values: np.ndarray, labels: list[int], classes: tuple[str, ...]) -> Descriptors:
    files = tuple(f"{index}.jpg" for index in range(len(labels)))
    return Descriptors(values, np.array(labels), classes, files, "made-up", np.arange(1, len(labels) + 1), "none")


def test_queries(tmp_path: Path) -> None:
    """A class that no query asks for counts nowhere."""
    values = {"Lemon": (0.2, 0.4), "Orange": (0.5, 0.9), "Papaya": (0.1, 0.1)}
    for seed in range(2):
        folder = tmp_path / "photos_grocery_store_impure" / "s2m-gmm2" / f"seed-{seed}"
        folder.mkdir(parents=True)
        table = pd.DataFrame({"class": list(values)})
        for name in ("clean", "web top", "web photo", "web cartoon"):
            for convention in ("stepwise", "trapezoid"):
                table[f"{name} {convention}"] = [each[seed] for each in values.values()]
        table.loc[2, ["web top stepwise", "web photo stepwise", "web cartoon stepwise"]] = np.nan
        table.to_csv(folder / "judged.csv", index=False)
    found = program.queries(tmp_path).set_index(["filter", "query"])
    assert set(found.index) == {(k, q) for k in ("top", "photo", "cartoon", "examples") for q in ("lemon", "orange")}
    row = found.loc[("top", "orange")]
    assert (row.method, row.ap, row.seeds) == ("S2M-GMM2", 0.7, 2)
    assert row.ci95 == pytest.approx(confidence95([0.5, 0.9]), abs=5e-5)  # rounded to four digits


def test_images() -> None:
    """One image is looked at by hand; the places of every search go from 1 up."""
    found = program.images(program.RESULTS)
    assert set(found["query"]) == set(QUERY_CLASSES)
    for _, group in found.groupby(["query", "filter"]):
        assert sorted(group.place) == list(range(1, len(group) + 1))
    groceries, values = program.sample(program.RESULTS, "grocery_store")
    web, web_values = program.sample(program.RESULTS, "google_web")
    first = web_values[int(np.flatnonzero(web.labels == web.classes.index("orange/top"))[0])]
    own = groceries.labels == groceries.classes.index("Orange")
    row = found[(found["query"] == "orange") & (found["filter"] == "top")].iloc[0]
    assert row.alike == pytest.approx(float((values[torch.from_numpy(own)] @ first).mean()), abs=6e-4)  # three digits
    assert row.others == pytest.approx(float((values[torch.from_numpy(~own)] @ first).mean()), abs=6e-4)


def test_common_names() -> None:
    assert web_senses.common(["b", "a", "c", "c"]) == "2 c, 1 a, 1 b"


def test_components_of_two_senses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nine images of one thing and four of another; each component ranks what is like its own first."""
    monkeypatch.setattr(web_senses, "SENSES", ("word/top",))
    monkeypatch.setattr(web_senses, "FIRST", 2)
    rng = np.random.default_rng(0)
    corners = np.eye(8)[[0] * 9 + [1] * 4] + 0.05 * rng.normal(size=(13, 8))
    web, values = described(corners, [0] * 13, ("word/top",)), torch.from_numpy(corners).float()
    shown = np.array(["fruit"] * 9 + ["board"] * 4)
    names, searched = np.array(["apple", "apple", "chip", "chip"]), torch.eye(8)[[0, 0, 1, 1]]
    table = web_senses.components(web, values, shown, names, searched).set_index("component")
    assert table.images.tolist() == [9, 4]
    assert table.place.tolist() == [5.0, 11.5]
    assert table.holds.tolist() == ["9 fruit", "4 board"]
    assert table.ranks.tolist() == ["2 apple", "2 chip"]


def test_the_map_keeps_what_is_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_senses, "MAPPED", ("word/top",))
    rng = np.random.default_rng(0)
    corners = np.eye(4)[np.repeat([0, 1, 2], (18, 12, 30))] + 0.02 * rng.normal(size=(60, 4))
    web = described(corners[:30], [0] * 30, ("word/top",))
    shop = described(corners[30:], [0] * 30, ("apple",))
    values = torch.from_numpy(corners).float()
    found = web_senses.plane(web, values[:30], shop, values[30:])
    assert found.what.value_counts().to_dict() == {"apple": 30, "component 1": 18, "component 2": 12}
    assert silhouette_score(found[["x", "y"]], found.what) > 0.5  # 1 for clusters far apart, 0 for none


def test_copies() -> None:
    """A picture again, one that only hashes alike, one that is only of the same thing."""
    rng = np.random.default_rng(0)
    hashes, values = rng.random((4, 64)) < 0.5, np.eye(4)
    web = described(values[[0, 3, 2]], [0, 0, 0], ("word/top",))
    web_hashes = hashes[[0, 1, 3]]
    table = copies.table((web_hashes, web), (hashes, described(values, [0] * 4, ("shop",)))).set_index("test")
    assert table.found.to_dict() == {"hash": 3, "descriptor": 3, "both": 1}
    assert set(table.images) == {3}
    assert set(table.searched) == {4}
