"""The data of a problem of photographs, from sets drawn here: cached descriptors, or the pictures themselves."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from s2m import ImageSet, S2MError, cli, load_run
from s2m.backbones import Backbone
from s2m.config import Config
from s2m.datasets import load_foreign, load_split
from s2m.problems import PhotoData
from s2m.problems.photo_data import load_photo_data
from s2m.problems.pictures import Pictures
from s2m.runs import read_run_config
from s2m.training import Trainer

TINY = {
    "task": "retrieval", "data": "grocery_store", "embedding": "head", "relevance": "average", "examples": 2,
    "relevant": 1, "irrelevant": 2, "tuples": 2, "negatives": "batch", "steps": 2, "evaluate_every": 1, "noise": 0.5,
    "precision": "float32", "bins": 5, "learning_rate": 0.1,
}  # fmt: skip


def draw(folder: Path, name: str, files: dict[str, list[str]]) -> ImageSet:
    """Pictures of noise, by class."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(len(files)), [len(each) for each in files.values()])
    for file in (paths := [file for each in files.values() for file in each]):
        path = folder / name / file
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (12, 12, 3), np.uint8)).save(path)
    return ImageSet(folder / name, tuple(paths), labels, tuple(files), name)


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ImageSet]:
    folder = tmp_path_factory.mktemp("photos")
    classes = [name for part in ("train", "validation", "test") for name in load_split("grocery_store", part)]
    foreign = [*load_foreign("train"), *load_foreign("test")]
    return {
        "grocery_store": draw(folder, "grocery_store", {n: [f"{n}/{i}.png" for i in range(4)] for n in classes}),
        "caltech101": draw(folder, "caltech101", {"BACKGROUND_Google": foreign, "ant": ["a/1.png", "a/2.png"]}),
        "google_web": draw(
            folder, "google_web", {name: [f"{name}/{i}.png" for i in (1, 2)] for name in ("orange/top", "glass/top")}
        ),
    }


@pytest.fixture
def at_hand(
    sets: dict[str, ImageSet], make_backbone: Callable[..., Backbone], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Sets and backbone of this test wherever they are loaded."""
    monkeypatch.setenv("S2M_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("s2m.problems.photo_data.load_photos", sets.__getitem__)
    for module in ("s2m.problems.photo_data", "s2m.runs"):
        monkeypatch.setattr(f"{module}.load_backbone", lambda name: make_backbone())


def load(**changes: object) -> PhotoData:
    return load_photo_data(Config(**{**TINY, **changes}))  # type: ignore[arg-type]


@pytest.mark.usefixtures("at_hand")
def test_parts(sets: dict[str, ImageSet]) -> None:
    data = load()
    assert data.source == "grocery_store"
    for name, part in data.parts.items():
        assert part.classes == load_split("grocery_store", name)
        assert part.values.shape == (4 * len(part.classes) + 30, 5)
        assert [len(members) for members in part.members] == [4] * len(part.classes)
        assert list(part.strangers) == list(range(len(part.labels), len(part.values)))
    train, validation, test = (data.parts[name].values[-30:] for name in ("train", "validation", "test"))
    assert torch.equal(train, validation)
    assert not any((value == train).all(1).any() for value in test)  # no foreign image of the test was trained with


@pytest.mark.usefixtures("at_hand")
def test_web_queries() -> None:
    """Those that ask for a class of the test, and no other."""
    data = load()
    assert list(data.web) == ["orange/top"]
    images, concept = data.web["orange/top"]
    assert images.shape == (2, 5)
    assert data.parts["test"].classes[concept] == "Orange"


@pytest.mark.usefixtures("at_hand")
def test_outputs_of_the_backbone(make_backbone: Callable[..., Backbone]) -> None:
    features, outputs = (load(layer=layer).parts["test"].values for layer in ("features", "outputs"))
    torch.testing.assert_close(outputs, make_backbone().classify(features).detach())


@pytest.mark.usefixtures("at_hand")
def test_pictures_are_what_was_described(make_backbone: Callable[..., Backbone]) -> None:
    described, pictures = load(), load(fine_tune=True)
    backbone = make_backbone()
    for name in ("train", "test"):
        part, other = described.parts[name], pictures.parts[name]
        assert isinstance(other.values, Pictures)
        assert len(other.values) == len(part.values)
        places = torch.tensor([[0, 5, len(part.values) - 1], [3, 3, 1]])
        images = other.values[places]
        assert images.shape == (2, 3, 3, 8, 8)
        # Features are kept in half precision: ten bits of mantissa.
        torch.testing.assert_close(backbone(images.flatten(0, 1)), part.values[places.flatten()], rtol=1e-3, atol=1e-3)
    assert len(pictures.web["orange/top"][0]) == 2
    assert sum(map(len, other.values[:40].split(4096))) == 40


def test_a_picture_that_cannot_be_read(tmp_path: Path) -> None:
    images = draw(tmp_path, "set", {"a": ["1.png", "2.png"]})
    (tmp_path / "set" / "2.png").write_bytes(b"")
    pictures = Pictures([(images, images.files)], lambda photo: torch.zeros(3, 8, 8))
    assert pictures[torch.tensor([0])].shape == (1, 3, 8, 8)
    with pytest.raises(S2MError, match=r"2\.png"):
        pictures[torch.tensor([0, 1])]


@pytest.mark.usefixtures("at_hand")
def test_fine_tuning_goes_on_from_a_head(tmp_path: Path, make_backbone: Callable[..., Backbone]) -> None:
    """It starts from the head's weights, and moves the backbone's too."""
    Trainer(Config(**TINY), tmp_path / "head").run()  # type: ignore[arg-type]
    config = Config(**{**TINY, "fine_tune": True, "init_from": str(tmp_path / "head")})  # type: ignore[arg-type]
    trainer = Trainer(config, tmp_path / "run")
    head = load_run(tmp_path / "head").embedding.head[1]
    assert torch.equal(trainer.network.embedding.head.weight, head.weight)
    trainer.run()
    images = torch.rand(2, 3, 8, 8)
    tuned = load_run(tmp_path / "run")
    assert (tuned.embedding.backbone(images) != make_backbone()(images)).any()
    assert tuned.describe(images).shape == (2, 128)


@pytest.mark.usefixtures("at_hand")
def test_the_shell_fine_tunes(
    tmp_path: Path, make_backbone: Callable[..., Backbone], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The config says nothing of it; the option makes the backbone's weights part of the run, and moves them."""
    config = "".join(f"{key} = {json.dumps(value)}\n" for key, value in TINY.items())
    (tmp_path / "config.toml").write_text(config)
    line = ["s2m", "train", str(tmp_path / "config.toml"), "--out", str(tmp_path / "run"), "--fine-tune"]
    monkeypatch.setattr(sys, "argv", line)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert not ended.value.code
    assert read_run_config(tmp_path / "run").fine_tune
    images = torch.rand(2, 3, 8, 8)
    assert (load_run(tmp_path / "run").embedding.backbone(images) != make_backbone()(images)).any()


@pytest.mark.usefixtures("at_hand")
def test_a_trained_head_takes_photographs(tmp_path: Path, make_backbone: Callable[..., Backbone]) -> None:
    """`load_run` puts the backbone below the head: images in, not descriptors."""
    for layer in ("features", "outputs"):
        config = Config(**{**TINY, "embedding": "identity", "layer": layer, "steps": 0})  # type: ignore[arg-type]
        Trainer(config, tmp_path / layer).run()
        network, backbone = load_run(tmp_path / layer), make_backbone()
        images = torch.rand(2, 3, 8, 8)
        expected = backbone(images) if layer == "features" else backbone.classify(backbone(images))
        torch.testing.assert_close(network.describe(images), nn.functional.normalize(expected, dim=1))
        assert network.embedding.prepare(Image.new("RGB", (20, 10))).shape == (3, 8, 8)
