"""The tables of photographs from judged runs, and the grid of runs that they are made from."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from make import PHOTO_SEEDS, RESULTS, grid
from photo_tables import PHOTOS, TRAINED, drawn, photo_pairs, table1

from s2m import S2MError

CLASSES = ("rose", "tulip", "iris")


def measures(level: float, rng: np.random.Generator, *names: str) -> dict[str, object]:
    found: dict[str, object] = {"class": CLASSES}
    for name in names:
        found[f"{name} stepwise"] = level + 0.1 * rng.random(3)
        found[f"{name} trapezoid"] = level - 0.01 + 0.1 * rng.random(3)
    return found


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Two trained methods and one pre-learned on Flowers, clean; S2M-Gauss is about 0.1 ahead."""
    rng, root = np.random.default_rng(0), tmp_path / "results"
    for method, level in (("avg-ft", 0.6), ("s2m-gauss", 0.7)):
        for seed in range(3):
            folder = root / "photos_flowers102" / method / f"seed-{seed}"
            folder.mkdir(parents=True)
            pd.DataFrame(measures(level, rng, "clean")).to_csv(folder / "judged.csv", index=False)
    (root / "photos_prelearned").mkdir()
    names = ("clean", "30 % foreign", "60 % foreign", "two meanings")
    rows = [pd.DataFrame(measures(0.4, rng, *names)).assign(method="AVG-PL", seed=seed) for seed in range(3)]
    pd.concat(rows).to_csv(root / "photos_prelearned" / "flowers102-outputs.csv", index=False)
    (root / "published").mkdir()
    (root / "published" / "table1.csv").write_bytes((RESULTS / "published" / "table1.csv").read_bytes())
    (root / "tables").mkdir()
    omniglot = {
        "method": "AVG-FT",
        "map": 0.5,
        "ci95": 0.1,
        "seeds": 3,
        "map_trapezoid": 0.4,
        "published": 0.6,
        "run": "x",
    }
    pd.DataFrame([omniglot]).to_csv(root / "tables" / "omniglot_retrieval.csv", index=False)
    return root


def test_table1(results: Path) -> None:
    row = {"method": "AVG-FT", "map": 0.5, "ci95": 0.1, "seeds": 3, "map_trapezoid": 0.4, "published": 0.6, "run": "x"}
    table = table1(results, pd.DataFrame([row])).set_index(["collection", "method"])
    assert list(table.index) == [
        ("flowers102", "AVG-PL"),
        ("flowers102", "AVG-FT"),
        ("flowers102", "S2M-Gauss"),
        ("flowers102, 30 % foreign", "AVG-PL"),
        ("flowers102, 60 % foreign", "AVG-PL"),
        ("flowers102, two meanings", "AVG-PL"),
        ("omniglot", "AVG-FT"),
    ]  # fmt: skip  nothing was trained on impure sets
    row = table.loc[("flowers102", "S2M-Gauss")]
    folder = results / "photos_flowers102" / "s2m-gauss"
    means = [pd.read_csv(path)["clean stepwise"].mean() for path in folder.glob("seed-*/judged.csv")]
    assert row["map"] == round(np.mean(means), 4)
    assert (row.seeds, row.published) == (3, 0.467)
    assert row.run == "results/photos_flowers102/s2m-gauss"
    assert row.ci95 == pytest.approx(4.303 * np.std(means, ddof=1) / np.sqrt(3), abs=1e-4)  # t of two degrees


def test_pairs(results: Path) -> None:
    row = photo_pairs(results).set_index(["method", "other"]).loc[("S2M-Gauss", "AVG-FT")]
    found = {
        method: np.stack([
            pd.read_csv(results / "photos_flowers102" / method / f"seed-{seed}" / "judged.csv").sort_values("class")[
                "clean stepwise"
            ]
            for seed in range(3)
        ])
        for method in ("s2m-gauss", "avg-ft")
    }  # fmt: skip
    ahead = found["s2m-gauss"] - found["avg-ft"]  # (seeds, classes)
    assert row.ahead == pytest.approx(ahead.mean(), abs=1e-4)
    assert row.ci95_seeds == pytest.approx(4.303 * ahead.mean(1).std(ddof=1) / np.sqrt(3), abs=1e-4)
    assert row.ci95_classes == pytest.approx(4.303 * ahead.mean(0).std(ddof=1) / np.sqrt(3), abs=1e-4)
    assert (row.seeds, row.classes) == (3, 3)


def test_the_grid() -> None:
    """Every method on every collection with every seed, and an embedding taken from the very collection."""
    runs = dict(grid(RESULTS / "photos.toml"))
    assert len(runs) == 2 * len(PHOTOS) * len(TRAINED) * len(PHOTO_SEEDS)
    config = runs[RESULTS / "photos_caltech101_impure" / "gauss-avg-ft" / "seed-3"]
    assert config.init_from == "results/photos_caltech101_impure/avg-ft/seed-{seed}"
    assert (config.data, config.seed, config.steps) == ("caltech101", 3, 0)
    assert config.noise > 0


def test_a_grid_with_a_wrong_key(tmp_path: Path) -> None:
    path = tmp_path / "photos.toml"
    path.write_text('[common]\nsteps = 3\n[collections.a]\ndata = "flowers102"\n[methods.b]\nfoo = 1\n')
    with pytest.raises(S2MError, match=r"photos\.toml, b on a is not valid: foo: no such key"):
        grid(path)


@pytest.mark.parametrize(
    ("method", "measure", "seeds"),
    [
        ("AVG-PL (PCA)", "web top", 1),
        ("AVG-PL (random)", "web top", 3),
        ("SVM-PL", "web top", 3),
        ("AVG-FT", "web top", 3),
        ("AVG-PL", "clean", 3),
    ],
)
def test_what_draws_nothing_is_one_seed(method: str, measure: str, seeds: int) -> None:
    found = pd.DataFrame({"seed": [0, 0, 1, 1, 2, 2], "stepwise": 0.5})
    assert drawn(found, method, measure).seed.nunique() == seeds
