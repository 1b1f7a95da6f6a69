"""The measurement of near-duplicates runs, and counts what it should, on drawn images."""

from pathlib import Path

import duplicates
import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms.v2.functional import pil_to_tensor


class Tiny:
    """In place of a network: the pixels of a tiny image."""

    def prepare(self, photo: Image.Image) -> torch.Tensor:
        return pil_to_tensor(photo.resize((8, 6))).float() - 128

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        return images.flatten(1)


def test_copies_are_found_and_other_images_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("imagehash")
    monkeypatch.setattr(duplicates, "load_backbone", lambda fast: Tiny())
    rng = np.random.default_rng(0)
    for folder in ("web/lime", "web/plum", "shop/shelf"):
        (tmp_path / folder).mkdir(parents=True)
        for number in range(4):
            blocks = Image.fromarray(rng.integers(256, size=(6, 8, 3), dtype=np.uint8))
            blocks.resize((160, 120), Image.Resampling.BICUBIC).save(tmp_path / folder / f"{number}.png")
    (tmp_path / "web/plum/same.png").write_bytes((tmp_path / "web/lime/0.png").read_bytes())  # counts once
    (tmp_path / "shop/shelf/again.png").write_bytes((tmp_path / "web/plum/1.png").read_bytes())
    duplicates.main(["--web", str(tmp_path / "web"), "--collection", str(tmp_path / "shop"), "--images", "3"])
    shown = capsys.readouterr().out
    for kind in ("JPEG quality 60", "scaled to 0.6", "3 % cropped at each side"):
        assert shown.count(f"{kind}: found by hash 100.0 %, descriptor 100.0 %, both 100.0 %") == 2
    assert "of 12 pairs of different files of one query, taken for copies: hash 0, descriptor 0, both 0" in shown
    assert "of 8 web images, taken for copies of one of 5 images searched: hash 1, descriptor 1, both 1" in shown
