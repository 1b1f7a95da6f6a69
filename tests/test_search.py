"""Ranking a folder of images, and every image that cannot be read."""

import random
import re
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from s2m import PhotoEmbedding, RelevanceNet, S2MError, Set2Model, generate_characters, rank_folder
from s2m.backbones import Backbone
from s2m.relevance import Average
from s2m.search import list_images, read_drawing

DRAWINGS = generate_characters(classes=3, drawings=6).images


def save(folder: Path, name: str, pixels: np.ndarray) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(folder / name)
    return folder / name


@pytest.fixture
def network() -> RelevanceNet:
    return RelevanceNet(torch.nn.Flatten(), Average())


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Three examples of the first character; three more of each of three characters to rank."""
    for index in range(3):
        save(tmp_path / "examples", f"{index}.png", 255 - DRAWINGS[0, index])
        for character in range(3):
            save(
                tmp_path / "collection" / f"character{character}", f"{index}.png", 255 - DRAWINGS[character, 3 + index]
            )
    return tmp_path / "examples", tmp_path / "collection"


def test_the_most_relevant_first(network: RelevanceNet, folders: tuple[Path, Path]) -> None:
    ranking = rank_folder(network, *folders)
    assert len(ranking) == 9
    relevances = [relevance for _, relevance in ranking]
    assert relevances == sorted(relevances, reverse=True)
    # The same angles in plain numpy.
    flat = DRAWINGS.reshape(3, 6, -1) / 255
    flat = flat / np.linalg.norm(flat, axis=2, keepdims=True)
    expected = flat[:, 3:] @ flat[0, :3].mean(0)
    for path, relevance in ranking:
        character, index = int(path.parent.name[-1]), int(path.stem)
        assert relevance == pytest.approx(expected[character, index], abs=1e-5)  # float32


def test_batches_make_no_difference(network: RelevanceNet, folders: tuple[Path, Path]) -> None:
    whole, parts = rank_folder(network, *folders), rank_folder(network, *folders, batch=2)
    assert [path for path, _ in parts] == [path for path, _ in whole]


def test_inverted_drawings_are_equal(tmp_path: Path) -> None:
    dark = read_drawing(save(tmp_path, "dark.png", 255 - DRAWINGS[0, 0]))
    light = read_drawing(save(tmp_path, "light.png", DRAWINGS[0, 0]))
    torch.testing.assert_close(dark, light, rtol=0, atol=1e-6)  # 1 - (1 - p) in float32
    assert dark.shape == (1, 28, 28)
    np.testing.assert_allclose(light[0], DRAWINGS[0, 0] / 255, atol=1e-6)


def test_any_size_and_mode(tmp_path: Path) -> None:
    """The same drawing four times as large, in colour, with sixteen bits, on glass, with a palette."""
    large = np.kron(255 - DRAWINGS[0, 0], np.ones((4, 4), np.uint8))
    expected = read_drawing(save(tmp_path, "grey.png", large))
    np.testing.assert_allclose(expected[0], DRAWINGS[0, 0] / 255, atol=0.3)  # antialiased, so blurred at its edges
    glass = np.stack([0 * large, 0 * large, 0 * large, 255 - large], -1)  # black ink, transparent paper
    others = [
        save(tmp_path, "colour.png", np.stack([large] * 3, -1)),
        save(tmp_path, "sixteen.png", large.astype(np.uint16) * 257),
        save(tmp_path, "glass.png", glass),
    ]
    Image.fromarray(large).convert("P").save(tmp_path / "palette.gif")
    for path in (*others, tmp_path / "palette.gif"):
        torch.testing.assert_close(read_drawing(path), expected, rtol=0, atol=0.01, msg=path.name)  # 8-bit rounding


def test_only_images_are_listed(tmp_path: Path) -> None:
    save(tmp_path / "a", "2.png", DRAWINGS[0, 0])
    save(tmp_path, "1.PNG", DRAWINGS[0, 0])
    (tmp_path / "notes.txt").write_text("no image")
    assert [path.name for path in list_images(tmp_path)] == ["1.PNG", "2.png"]


def test_no_folder_and_no_image(tmp_path: Path) -> None:
    with pytest.raises(S2MError, match="missing is not a folder: give a folder of images"):
        list_images(tmp_path / "missing")
    with pytest.raises(S2MError, match=r"holds no image \(\.png, .*\): give a folder of images"):
        list_images(tmp_path)


@pytest.mark.parametrize("content", [b"", b"not an image", b"\x89PNG\r\n\x1a\n", bytes(1000)])
def test_what_cannot_be_read_is_left_out_and_named(
    network: RelevanceNet, folders: tuple[Path, Path], content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    expected = rank_folder(network, *folders)
    assert not caplog.messages
    for folder in folders:
        (folder / "broken.png").write_bytes(content)
    assert rank_folder(network, *folders) == expected
    for folder, message in zip(folders, caplog.messages, strict=True):
        assert re.fullmatch(
            rf"left out: {folder}/broken\.png is not a readable image .*: remove it or save .*", message
        )


def test_nothing_that_can_be_read(network: RelevanceNet, folders: tuple[Path, Path]) -> None:
    for folder in folders[::-1]:
        for path in list_images(folder):
            path.write_bytes(b"")
        with pytest.raises(S2MError, match=f"no image in {folder} can be read: give a folder of images"):
            rank_folder(network, *folders)


def test_photographs_are_prepared_by_the_network(make_backbone: Callable[..., Backbone], tmp_path: Path) -> None:
    """By the pretrained network as it is, by a head on it, and by hand."""
    dice = np.random.default_rng(0)
    for index in range(8):
        pixels = dice.integers(0, 256, (20, 30, 3), np.uint8)
        save(tmp_path / ("examples" if index < 3 else "collection"), f"{index}.png", pixels)
    backbone = make_backbone()
    for embedding in (backbone, PhotoEmbedding(make_backbone(), size=3)):
        network = Set2Model(embedding, components=2)
        ranking = rank_folder(network, tmp_path / "examples", tmp_path / "collection", batch=2)
        images = [
            torch.stack([backbone.prepare(Image.open(path)) for path in sorted((tmp_path / name).iterdir())])
            for name in ("examples", "collection")
        ]
        expected = network(*(each.unsqueeze(0) for each in images))[0]
        assert [path.name for path, _ in ranking] == [f"{3 + place}.png" for place in expected.argsort(descending=True)]
        torch.testing.assert_close(
            torch.tensor([relevance for _, relevance in ranking]), expected.sort(descending=True)[0]
        )


@pytest.mark.parametrize("name", ["x.png", "x.jpg", "x.gif", "x.bmp", "x.tif", "x.webp"])
def test_damage_of_any_kind_is_an_error_or_a_picture(tmp_path: Path, name: str) -> None:
    """Cut anywhere, or with bytes changed anywhere: never another exception."""
    path = save(tmp_path, name, np.stack([np.kron(DRAWINGS[0, 0], np.ones((3, 3), np.uint8))] * 3, -1))
    refused: list[str]
    whole, dice, refused = path.read_bytes(), random.Random(0), []
    for trial in range(60):
        damaged = bytearray(whole)
        if trial % 2:
            del damaged[dice.randrange(len(whole)) :]
        for _ in range(dice.randrange(1, 9) if damaged else 0):
            damaged[dice.randrange(min(len(damaged), 200 if trial % 4 else len(damaged)))] = dice.randrange(256)
        path.write_bytes(damaged)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's own remarks about what it could still read
            try:
                read_drawing(path)
            except S2MError as error:
                refused.append(str(error))
    assert len(refused) > 10
    assert all(name in message and "\n" not in message for message in refused)
