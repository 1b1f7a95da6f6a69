"""The command line: its verbs, and every bad input as one line with exit status 1 and nothing half-written."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from s2m import Characters, Descriptors, cli, generate_characters
from s2m.config import Config
from s2m.runs import build_network, save_config, save_network
from s2m.training import Trainer

TOML = """
task = "retrieval"
data = "generated"
embedding = "lenet"
relevance = "average"
examples = 3
relevant = 3
irrelevant = 4
tuples = 2
steps = 4
evaluate_every = 2
bins = 5
seed = 5
"""


@pytest.fixture(autouse=True)
def few_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    """Generated characters, but few of them."""
    letters = generate_characters(classes=40, drawings=8)

    def load(name: str) -> Characters:
        assert name == "generated"
        return letters

    monkeypatch.setattr("s2m.problems.load_characters", load)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(TOML)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run folder as it is after training."""
    config = Config(data="generated", embedding="lenet", relevance="average", examples=3, task="retrieval")
    save_config(tmp_path / "run", config)
    save_network(tmp_path / "run", build_network(config))
    return tmp_path / "run"


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> str | int | None:
    """What the process would exit with: None or 0 where all is well, a line where it is not."""
    monkeypatch.setattr(sys, "argv", ["s2m", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return ended.value.code


def refused(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> str:
    """The one line of a bad input. A text given to sys.exit goes to stderr, with exit status 1."""
    line = run(monkeypatch, *arguments)
    assert isinstance(line, str), line
    assert line.startswith("s2m: ")
    assert "\n" not in line
    return line


def test_train_then_evaluate(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], config: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    assert not run(monkeypatch, "train", config, "--out", out)
    assert json.loads((out / "config.json").read_text())["seed"] == 5
    assert len((out / "log.jsonl").read_text().splitlines()) == 2
    capsys.readouterr()
    assert not run(monkeypatch, "evaluate", out)
    assert json.loads(capsys.readouterr().out) == json.loads((out / "scores.json").read_text())


def test_a_seed_replaces_the_config_s(monkeypatch: pytest.MonkeyPatch, config: Path, tmp_path: Path) -> None:
    assert not run(monkeypatch, "train", config, "--out", tmp_path / "run", "--seed", 0)
    assert json.loads((tmp_path / "run" / "config.json").read_text())["seed"] == 0


def test_drawings_have_nothing_to_fine_tune(monkeypatch: pytest.MonkeyPatch, config: Path, tmp_path: Path) -> None:
    assert "fine_tune and start are for photographs" in refused(
        monkeypatch, "train", config, "--out", tmp_path / "run", "--fine-tune"
    )


def test_resume(monkeypatch: pytest.MonkeyPatch, config: Path, tmp_path: Path) -> None:
    from s2m.config import read_config

    Trainer(read_config(config), tmp_path / "run").run(until=2)
    assert not run(monkeypatch, "resume", tmp_path / "run")
    assert len((tmp_path / "run" / "log.jsonl").read_text().splitlines()) == 2
    assert not (tmp_path / "run" / "last.safetensors").exists()
    assert "is finished: judge it" in refused(monkeypatch, "resume", tmp_path / "run")


def test_rank(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    folder: Path,
    tmp_path: Path,
) -> None:
    for index, pixels in enumerate(generate_characters(classes=1, drawings=4).images[0]):
        place = tmp_path / ("examples" if index < 2 else "collection")
        place.mkdir(exist_ok=True)
        Image.fromarray(pixels).save(place / f"{index}.png")
    assert not run(monkeypatch, "rank", folder, tmp_path / "examples", tmp_path / "collection")
    lines = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert {Path(path).name for _, path in lines} == {"2.png", "3.png"}
    assert float(lines[0][0]) >= float(lines[1][0])
    (tmp_path / "collection" / "broken.png").write_bytes(b"")
    assert not run(monkeypatch, "rank", folder, tmp_path / "examples", tmp_path / "collection")
    assert "broken.png is not a readable image" in caplog.text
    assert [line.split("\t") for line in capsys.readouterr().out.splitlines()] == lines
    assert "is not a folder" in refused(monkeypatch, "rank", folder, tmp_path / "no", tmp_path / "collection")
    assert "give RUN EXAMPLES COLLECTION" in refused(monkeypatch, "rank", tmp_path / "examples", folder)


def test_rank_photographs_without_training(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Two reds among noise; the weights are the package's."""
    noise = np.random.default_rng(0).integers(0, 256, (2, 40, 50, 3), np.uint8)
    red = np.full((40, 50, 3), (200, 20, 20), np.uint8)
    pictures = {"examples": [red, red - 9], "collection": [noise[0], red - 5, noise[1]]}
    for name, each in pictures.items():
        (tmp_path / name).mkdir()
        for index, pixels in enumerate(each):
            Image.fromarray(pixels).save(tmp_path / name / f"{index}.png")
    line = ["rank", "--backbone", "efficientnet-lite0", tmp_path / "examples", tmp_path / "collection"]
    assert not run(monkeypatch, *line)
    paths = [line.split("\t")[1] for line in capsys.readouterr().out.splitlines()]
    assert len(paths) == 3
    assert Path(paths[0]).name == "1.png"
    assert "no backbone is called 'vgg'" in refused(monkeypatch, *line[:2], "vgg", *line[3:])
    assert "3 folders: give RUN" in refused(monkeypatch, *line, tmp_path)


def test_describe(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    monkeypatch.setenv("S2M_CACHE", str(tmp_path / "cache"))
    dice = np.random.default_rng(0)
    for name in ("lime", "plum"):
        (tmp_path / "fruit" / name).mkdir(parents=True)
        for index in range(3):
            pixels = dice.integers(0, 256, (30, 30, 3), np.uint8)
            Image.fromarray(pixels).save(tmp_path / "fruit" / name / f"{index}.jpg")
    (tmp_path / "fruit" / "plum" / "0.jpg").write_bytes(b"")
    assert not run(monkeypatch, "describe", tmp_path / "fruit", "--out", tmp_path / "fruit.npz")
    assert "5 images of 2 classes, 1 left out" in capsys.readouterr().out
    found = Descriptors.load(tmp_path / "fruit.npz")
    assert found.values.shape == (5, 1280)
    assert found.labels.tolist() == [0, 0, 0, 1, 1]
    assert [file for file, _ in found.skipped] == ["plum/0.jpg"]
    assert "no backbone is called" in refused(
        monkeypatch, "describe", tmp_path / "fruit", "--backbone", "vgg", "--out", tmp_path / "other.npz"
    )
    assert "is neither a set nor a folder" in refused(
        monkeypatch, "describe", tmp_path / "no", "--out", tmp_path / "other.npz"
    )
    assert not (tmp_path / "other.npz").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("stepz = 4", "stepz: no such key"),
        ("steps = -1", "steps: Input should be greater than or equal to 0"),
        ("steps = 0", "together: steps = 0 needs init_from"),
        ("components = 0", "components: Input should be greater than 0"),
        ("steps = ", "is not TOML"),
        ("relevant = 30", "ask for fewer"),
        ("freeze_embedding = true", "nothing is left to learn"),
        ('init_from = "missing"', "missing is not a run folder"),
        ('relevance = "likelihood"\nprior_strength = 0\nlearn_prior = true', "learn_prior needs a prior"),
        ('relevance = "likelihood"\nprior_strength = 0\nexamples = 1', "give a prior"),
        ("learning_rate = 1e30", "NaN or infinite"),
    ],
)
def test_a_bad_config(monkeypatch: pytest.MonkeyPatch, config: Path, tmp_path: Path, text: str, message: str) -> None:
    keys = {line.split("=")[0].strip() for line in text.splitlines()}
    kept = [line for line in TOML.splitlines() if line.split("=")[0].strip() not in keys]
    config.write_text("\n".join([*kept, text]))
    assert message in refused(monkeypatch, "train", config, "--out", tmp_path / "run")
    left = {path.name for path in (tmp_path / "run").iterdir()} if (tmp_path / "run").exists() else set()
    assert left <= {"config.json"}


def test_a_place_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch, config: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert "cannot write" in refused(monkeypatch, "train", config, "--out", tmp_path / "file")
    assert "cannot write" in refused(monkeypatch, "train", config, "--out", tmp_path / "file" / "run")
    assert (tmp_path / "file").read_text() == "in the way"


def test_a_folder_that_holds_a_run_is_not_overwritten(
    monkeypatch: pytest.MonkeyPatch, config: Path, folder: Path
) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert "holds a run already: go on with" in refused(monkeypatch, "train", config, "--out", folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize("verb", ["resume", "evaluate"])
def test_a_folder_that_is_no_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, verb: str) -> None:
    assert "is not a run folder" in refused(monkeypatch, verb, tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("verb", ["resume", "evaluate"])
def test_a_run_folder_of_another_version(monkeypatch: pytest.MonkeyPatch, folder: Path, verb: str) -> None:
    path = folder / "config.json"
    path.write_text(path.read_text().replace('"format": 1', '"format": 99'))
    assert "is a run folder of version 99, this is version 1" in refused(monkeypatch, verb, folder)


def test_damaged_weights(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    path = folder / "embedding.safetensors"
    path.write_bytes(path.read_bytes()[:1000])
    assert "embedding.safetensors is damaged" in refused(monkeypatch, "evaluate", folder)
    assert not (folder / "scores.json").exists()


def test_no_omniglot(monkeypatch: pytest.MonkeyPatch, config: Path, tmp_path: Path) -> None:
    monkeypatch.undo()
    monkeypatch.setenv("S2M_DATA", str(tmp_path / "nothing"))
    config.write_text(TOML.replace("generated", "omniglot"))
    assert "Omniglot is not there" in refused(monkeypatch, "train", config, "--out", tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_truncated_archive(monkeypatch: pytest.MonkeyPatch, config: Path, tmp_path: Path) -> None:
    monkeypatch.undo()
    np.savez(tmp_path / "omniglot-28.npz", images=np.zeros(9))
    whole = (tmp_path / "omniglot-28.npz").read_bytes()
    monkeypatch.setenv("S2M_DATA", str(tmp_path))
    config.write_text(TOML.replace("generated", "omniglot"))
    for content in (whole[:50], whole, b""):
        (tmp_path / "omniglot-28.npz").write_bytes(content)
        line = refused(monkeypatch, "train", config, "--out", tmp_path / "run")
        assert "omniglot-28.npz" in line
        assert "run `make data` again" in line
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("device", ["gpu", "tpu:0", "cuda"])
def test_a_device_that_is_not_there(monkeypatch: pytest.MonkeyPatch, config: Path, tmp_path: Path, device: str) -> None:
    if device == "cuda" and torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device")
    line = refused(monkeypatch, "train", config, "--out", tmp_path / "run", "--device", device)
    assert "no CUDA device" in line if device == "cuda" else f"there is no device '{device}'" in line
    assert not (tmp_path / "run").exists()


def test_the_shell_sees_one_line_and_status_1(tmp_path: Path) -> None:
    """As a process of its own, with warnings as errors."""
    line = [sys.executable, "-W", "error", "-m", "s2m.cli", "evaluate", str(tmp_path)]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == (
        f"s2m: {tmp_path} is not a run folder, it has no config.json: give the folder that `s2m train` wrote\n"
    )
