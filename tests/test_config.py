"""A config: its defaults, and one line that names every key that is wrong."""

from pathlib import Path

import pydantic
import pytest

from s2m import S2MError
from s2m.config import Config, make_config, read_config


def write(folder: Path, text: str) -> Path:
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_defaults_are_the_published_classification_recipe() -> None:
    config = Config()
    assert (config.examples, config.relevant, config.irrelevant, config.tuples) == (5, 15, 20, 3)
    assert (config.task, config.embedding, config.relevance, config.components) == (
        "classification", "conv4", "likelihood", 1,
    )  # fmt: skip
    assert (config.bins, config.negatives) == (100, "own")


def test_a_file_and_what_replaces_it(tmp_path: Path) -> None:
    path = write(tmp_path, 'seed = 3\ncomponents = "bic"\nlearning_rate = 0.01\n')
    config = read_config(path)
    assert (config.seed, config.components, config.learning_rate) == (3, "bic", 0.01)
    assert read_config(path, seed=4).seed == 4


def test_every_config_of_the_repository_is_valid(root: Path) -> None:
    paths = sorted((root / "results").glob("*/*.toml"))
    assert paths
    for path in paths:
        read_config(path)


def test_a_config_cannot_be_changed() -> None:
    with pytest.raises(pydantic.ValidationError, match="frozen"):
        Config().seed = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"step": 100}, "step: no such key, known are task, data, split"),
        ({"steps": -1}, "steps: Input should be greater than or equal to 0"),
        ({"steps": "many"}, "steps: Input should be a valid integer"),
        ({"components": 0}, "components: Input should be greater than 0"),
        ({"components": "aic"}, "components: .*'bic'"),
        ({"embedding": "vgg"}, "embedding: .*give one of conv4, lenet"),
        ({"relevance": "gmm"}, "relevance: Input should be 'likelihood', 'average', 'nearest', 'prototypes'"),
        ({"task": "both"}, "task: Input should be 'classification' or 'retrieval', not 'both'$"),
        ({"layer": "fc7"}, "layer: Input should be 'features' or 'outputs', not 'fc7'$"),
        ({"seed": -1}, "seed: Input should be greater than or equal to 0"),
        ({"prior_strength": -1.0}, "prior_strength: Input should be greater than or equal to 0"),
        ({"prior_variance": 0.0}, "prior_variance: Input should be greater than 0"),
        ({"learning_rate": 0.0}, "learning_rate: Input should be greater than 0"),
        ({"bins": 1}, "bins: Input should be greater than or equal to 2"),
        ({"kernel_width": 0.5}, "kernel_width: Input should be greater than or equal to 1"),
        ({"evaluate_every": 0}, "evaluate_every: Input should be greater than 0"),
        ({"precision": "float16"}, "precision: Input should be 'float32' or 'bfloat16'"),
    ],
    ids=str,
)
def test_a_wrong_key_is_named_in_one_line(values: dict[str, object], message: str) -> None:
    with pytest.raises(S2MError, match=f"^the config is not valid: {message}") as error:
        make_config(values)
    assert "\n" not in str(error.value)


def test_all_wrong_keys_are_named_at_once(tmp_path: Path) -> None:
    path = write(tmp_path, "step = 100\nbins = 1\n")
    with pytest.raises(S2MError, match=r"config\.toml is not valid: .*step: no such key") as error:
        read_config(path)
    assert "bins: " in str(error.value)


@pytest.mark.parametrize("text", ["steps = ", "steps 100", "= 3", "[["])
def test_what_is_not_toml(tmp_path: Path, text: str) -> None:
    with pytest.raises(S2MError, match=r"config\.toml is not TOML \(.*\): mend that line") as error:
        read_config(write(tmp_path, text))
    assert "\n" not in str(error.value)


def test_what_is_not_text(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(S2MError, match="is not TOML"):
        read_config(tmp_path / "config.toml")


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(S2MError, match=r"there is no config file .*missing\.toml: give the path"):
        read_config(tmp_path / "missing.toml")
    with pytest.raises(S2MError, match="there is no config file"):
        read_config(tmp_path)  # a folder


@pytest.mark.parametrize(
    "values",
    [{"loss": "softmax"}, {"irrelevant": 0}, {"loss": "both", "negatives": "batch", "tuples": 1},
     {"irrelevant": 0, "negatives": "batch", "tuples": 1}, {"loss": "verification", "irrelevant": 0},
     {"loss": "verification", "irrelevant": 0, "negatives": "batch", "tuples": 1},
     {"steps": 0}, {"relevance": "svm"}, {"relevance": "svm", "init_from": "run"}],
)  # fmt: skip
def test_something_to_compare_with_is_needed(values: dict[str, object]) -> None:
    with pytest.raises(S2MError, match=r"together: .*(init_from|negatives = \"batch\"|tuples >= 2)"):
        make_config(values)


def test_verification_is_content_with_one_tuple() -> None:
    assert Config(loss="verification", tuples=1).negatives == "own"
    assert not Config(loss="verification").has_softmax
    assert Config(loss="both", negatives="batch").has_softmax


PHOTOS = {"data": "flowers102", "embedding": "head", "task": "retrieval"}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"data": "flowers102"}, 'photographs need embedding = "head" or "identity", drawings another'),
        ({"embedding": "head"}, 'photographs need embedding = "head" or "identity", drawings another'),
        ({**PHOTOS, "task": "classification"}, 'photographs need task = "retrieval"'),
        ({"noise": 0.5}, "noise, two_meanings, fine_tune and start are for photographs"),
        ({**PHOTOS, "two_meanings": 0.5}, "two_meanings needs even numbers"),  # by default 5 of 15
        (
            {**PHOTOS, "fine_tune": True, "layer": "outputs"},
            'fine_tune needs embedding = "head" and layer = "features"',
        ),
        ({**PHOTOS, "start": "components", "init_from": "run"}, 'start = "components" needs embedding = "head"'),
    ],
)
def test_photographs_and_drawings_have_keys_of_their_own(values: dict[str, object], message: str) -> None:
    with pytest.raises(S2MError, match=f"together: .*{message}"):
        make_config(values)
