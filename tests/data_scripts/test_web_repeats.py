"""Leaving out what repeats a collection, with a stand-in for the network that describes the images."""

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import web
from PIL import Image
from web_folder import COLUMNS, Row, read_index, write_index
from web_repeats import leave_out_repeats

from s2m.datasets.image_set import ImageSet
from s2m.datasets.photos import load_photos
from s2m.images import read_photo

QUERIES = {"lime": (0, 1, 2), "plum": (3, 4, 5)}  # seeds of the images of each
UNREADABLE = "plum/003.png"


def picture(seed: int) -> Image.Image:
    blocks = np.random.default_rng(seed).integers(256, size=(6, 8, 3), dtype=np.uint8)
    return Image.fromarray(blocks).resize((160, 120), Image.Resampling.BICUBIC)


def describe(images: ImageSet, backbone: str) -> SimpleNamespace:
    """Descriptors are the pixels of a tiny image; one image is left out, as if it could not be read."""
    assert backbone == "the network"
    files = tuple(file for file in images.files if file != UNREADABLE)
    tiny = [read_photo(images.read(images.files.index(file))).resize((8, 6)) for file in files]
    values = np.stack([np.asarray(image, dtype=np.float32).ravel() - 128 for image in tiny])
    return SimpleNamespace(values=values, files=files)


@pytest.fixture
def web_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Two queries side by side, three images each; and in `tmp_path`/shop a collection of other images."""
    pytest.importorskip("imagehash")
    monkeypatch.setitem(sys.modules, "s2m.backbones", SimpleNamespace(load_backbone=lambda: "the network"))
    monkeypatch.setitem(sys.modules, "s2m.descriptors", SimpleNamespace(describe_photos=describe))
    folders = []
    for query, seeds in QUERIES.items():
        folders.append(tmp_path / "web" / query)
        folders[-1].mkdir(parents=True)
        rows: dict[int, Row] = {}
        for rank, seed in enumerate(seeds, 1):
            picture(seed).save(folders[-1] / f"{rank:03d}.png")
            rows[rank] = dict.fromkeys(COLUMNS, "") | {"rank": str(rank), "file": f"{rank:03d}.png", "sha256": "x"}
        write_index(folders[-1], rows)
    for seed in range(10, 20):
        (tmp_path / "shop" / f"shelf{seed % 2}").mkdir(parents=True, exist_ok=True)
        picture(seed).save(tmp_path / "shop" / f"shelf{seed % 2}" / f"{seed}.jpg")
    return folders


def test_copies_of_the_collection_go_and_the_index_says_of_what(web_folders: list[Path], tmp_path: Path) -> None:
    picture(1).resize((96, 72)).save(tmp_path / "shop" / "shelf0" / "again.jpg", quality=40)
    assert leave_out_repeats(web_folders, str(tmp_path / "shop")) == 1
    rows = read_index(web_folders[0])
    assert [row["file"] for row in rows.values()] == ["001.png", "", "003.png"]
    assert rows[2]["left_out"].startswith(f"repeats shelf0/again.jpg of {tmp_path / 'shop'} (")
    assert not (web_folders[0] / "002.png").exists()
    assert web.is_settled(rows[2], web_folders[0])  # it will not be fetched again
    ranks = load_photos(tmp_path / "web").ranks
    assert ranks is not None
    assert ranks.tolist() == [1, 3, 1, 2, 3]


def test_nothing_is_left_out_where_nothing_is_repeated(web_folders: list[Path], tmp_path: Path) -> None:
    before = [read_index(folder) for folder in web_folders]
    assert leave_out_repeats(web_folders, str(tmp_path / "shop")) == 0
    assert [read_index(folder) for folder in web_folders] == before
    assert len(load_photos(tmp_path / "web")) == 6


def test_queries_of_other_runs_and_other_files_are_left_alone(web_folders: list[Path], tmp_path: Path) -> None:
    picture(1).save(tmp_path / "shop" / "shelf0" / "again.png")
    picture(1).save(web_folders[1] / "mine.png")
    assert leave_out_repeats(web_folders[1:], str(tmp_path / "shop")) == 0
    assert (web_folders[0] / "002.png").exists()
    assert (web_folders[1] / "mine.png").exists()
