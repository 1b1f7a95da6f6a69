"""A run folder: what is written comes back, and what is wrong with one is told in a line."""

import json
from pathlib import Path
from typing import get_args

import pytest
import torch

from s2m import S2MError, load_run
from s2m.config import Config
from s2m.relevance import (
    Average,
    Likelihood,
    Matching,
    Memory,
    Nearest,
    NearestMean,
    Prototypes,
    Siamese,
    SupportVectors,
)
from s2m.runs import (
    build_network,
    build_relevance,
    read_run_config,
    read_tensors,
    save_config,
    save_network,
)

CONFIG = Config(embedding="lenet", relevance="likelihood", components=2, learn_prior=True, seed=3)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run folder as it is after training."""
    save_config(tmp_path / "run", CONFIG)
    save_network(tmp_path / "run", build_network(CONFIG))
    return tmp_path / "run"


def test_the_seed_decides_the_weights_and_disturbs_no_other() -> None:
    torch.manual_seed(1)
    before = torch.rand(1)
    torch.manual_seed(1)
    one, same = build_network(CONFIG), build_network(CONFIG)
    assert torch.equal(torch.rand(1), before)
    other = build_network(Config(embedding="lenet", seed=4))
    weights = [network.embedding.state_dict()["0.weight"] for network in (one, same, other)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_relevance_by_name() -> None:
    kinds = {"average": Average, "nearest": Nearest, "prototypes": Prototypes, "matching": Matching, "siamese": Siamese,
             "nearest-mean": NearestMean, "mann": Memory, "likelihood": Likelihood, "svm": SupportVectors}  # fmt: skip
    assert set(kinds) == set(get_args(Config.model_fields["relevance"].annotation))
    for name, kind in kinds.items():
        given = {"steps": 0, "init_from": "run"} if name == "svm" else {}  # it cannot be trained
        assert type(build_relevance(Config(relevance=name, **given))) is kind  # type: ignore[arg-type]
    assert build_relevance(Config(relevance="matching")).context is None
    assert build_relevance(Config(relevance="matching", context=True)).context.size == 64
    for embedding, size in {"conv4": 64, "lenet": 100}.items():
        siamese = build_relevance(Config(relevance="siamese", embedding=embedding))
        assert isinstance(siamese, Siamese)
        assert siamese.weight.shape == (size,)
        metric = build_relevance(Config(relevance="nearest-mean", embedding=embedding))
        assert isinstance(metric, NearestMean)
        assert metric.metric.shape == (size, size)
    for tuples, ways in {3: 20, 25: 25}.items():
        memory = build_relevance(Config(relevance="mann", tuples=tuples))
        assert isinstance(memory, Memory)
        assert (memory.size, memory.ways) == (64, ways)
    likelihood = build_relevance(Config(components="bic", prior_strength=2.0, prior_variance=0.1))
    assert isinstance(likelihood, Likelihood)
    assert likelihood.components == "bic"
    assert likelihood.prior is not None
    assert float(likelihood.prior.strength) == pytest.approx(2, rel=1e-6)  # through a float32 logarithm
    assert build_relevance(Config(prior_strength=0)).prior is None


def test_the_seed_decides_the_weights_of_a_relevance() -> None:
    config = Config(relevance="matching", context=True)
    one, same = (build_network(config).relevance.state_dict() for _ in range(2))
    assert all(torch.equal(value, same[name]) for name, value in one.items())


def test_a_run_comes_back_as_it_was(folder: Path) -> None:
    assert read_run_config(folder) == CONFIG
    network, back = build_network(CONFIG), load_run(folder)
    assert not back.training
    for name, value in network.state_dict().items():
        assert torch.equal(back.state_dict()[name], value)
    assert load_run(str(folder)).state_dict().keys() == network.state_dict().keys()


def test_weights_in_any_memory_format_are_saved_alike(tmp_path: Path) -> None:
    plain, turned = build_network(CONFIG), build_network(CONFIG)
    turned.embedding.to(memory_format=torch.channels_last)
    save_network(tmp_path / "plain", plain)
    save_network(tmp_path / "turned", turned)
    for name in ("embedding.safetensors", "relevance.safetensors"):
        assert (tmp_path / "plain" / name).read_bytes() == (tmp_path / "turned" / name).read_bytes()


def test_no_run_folder(tmp_path: Path) -> None:
    with pytest.raises(S2MError, match=r"is not a run folder, it has no config\.json: give the folder"):
        load_run(tmp_path)
    with pytest.raises(S2MError, match="is not a run folder"):
        load_run(tmp_path / "missing")


@pytest.mark.parametrize("format", [0, 2, "1", None])
def test_a_run_folder_of_another_version(folder: Path, format: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": format}))
    with pytest.raises(S2MError, match=f"is a run folder of version {format}, this is version 1: train again"):
        load_run(folder)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe\x00"])
def test_a_damaged_config(folder: Path, content: bytes) -> None:
    (folder / "config.json").write_bytes(content)
    with pytest.raises(S2MError, match=r"config\.json is damaged .*: restore it or train again") as error:
        load_run(folder)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", [b"[]", b"3", b"{}"])
def test_a_config_of_something_else(folder: Path, content: bytes) -> None:
    (folder / "config.json").write_bytes(content)
    with pytest.raises(S2MError, match="is a run folder of version None"):
        load_run(folder)


def test_a_config_with_an_unknown_key(folder: Path) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "stepz": 1}))
    with pytest.raises(S2MError, match=r"config\.json is not valid: stepz: no such key"):
        load_run(folder)


@pytest.mark.parametrize("part", ["embedding", "relevance"])
@pytest.mark.parametrize("kept", [0.0, 0.05, 0.5, 0.99])
def test_damaged_weights(folder: Path, part: str, kept: float) -> None:
    path = folder / f"{part}.safetensors"
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content))])
    with pytest.raises(S2MError, match=rf"{part}\.safetensors is damaged .*: train again, or restore") as error:
        load_run(folder)
    assert "\n" not in str(error.value)


def test_missing_weights(folder: Path) -> None:
    (folder / "embedding.safetensors").unlink()
    with pytest.raises(S2MError, match=r"embedding\.safetensors is missing: finish the run with `s2m resume"):
        load_run(folder)
    (folder / "log.jsonl").write_text(f'{{"step": {CONFIG.steps}}}\n')
    with pytest.raises(S2MError, match=r"is missing: the run is finished, so restore .* delete .*run and train again"):
        load_run(folder)


def test_weights_of_another_network(folder: Path) -> None:
    save_network(folder, build_network(Config(embedding="conv4")))
    with pytest.raises(S2MError, match=r"embedding\.safetensors holds the weights of another network") as error:
        load_run(folder)
    assert "\n" not in str(error.value)


def test_tensors_and_what_is_written_beside_them(folder: Path) -> None:
    tensors, beside = read_tensors(folder / "relevance.safetensors")
    assert list(tensors) == ["log_prior"]
    assert beside == {}
