"""A run folder: its config, its log, its best weights, the state to resume from, and where it all came from."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from s2m.backbones import Head, PhotoEmbedding, load_backbone
from s2m.config import Config, make_config
from s2m.embeddings import EMBEDDINGS, build_embedding
from s2m.errors import S2MError
from s2m.layer import RelevanceNet
from s2m.models import VariancePrior
from s2m.relevance import (
    Average,
    FullContext,
    Likelihood,
    Matching,
    Memory,
    Nearest,
    NearestMean,
    Prototypes,
    Relevance,
    Siamese,
    SupportVectors,
)
from s2m.storage import write_bytes, write_json

PLAIN = {
    "average": Average, "nearest": Nearest, "prototypes": Prototypes, "matching": Matching, "svm": SupportVectors,
}  # fmt: skip
SIZED = {"siamese": Siamese, "nearest-mean": NearestMean}  # with weights for every number of a descriptor
HEAD_SIZE = 128  # descriptors of photographs, as published
IMAGENET_CLASSES = 1000
FORMAT = 1  # of the run folder; raised when an older folder can no longer be read


def build_relevance(config: Config) -> Relevance:
    """The relevance that a config names."""
    size = HEAD_SIZE if config.of_photos else EMBEDDINGS[config.embedding].size
    if config.relevance == "matching" and config.context:
        return Matching(FullContext(size))
    if config.relevance == "mann":
        return Memory(size, max(config.tuples, 20))  # as many labels as the tasks of validation and test have concepts
    if config.relevance in PLAIN:
        return PLAIN[config.relevance]()
    if config.relevance in SIZED:
        return SIZED[config.relevance](size)
    prior = VariancePrior(config.prior_strength, config.prior_variance) if config.prior_strength else None
    return Likelihood(config.components, prior, config.learn_prior, config.gradient)


def build_network(config: Config) -> RelevanceNet:
    """The network that a config names, its weights drawn from the config's seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)  # layers draw their weights from the global generator; the fork puts it back
        if config.of_photos:
            embedding = build_head(config)
        else:
            embedding = build_embedding(config.embedding).to(memory_format=torch.channels_last)  # faster convolutions
        return RelevanceNet(embedding, build_relevance(config), config.normalise)


def build_head(config: Config) -> nn.Module:
    """What is put on the cached descriptors of photographs, with the backbone below it where that learns too."""
    if config.embedding == "identity":
        return nn.Identity()
    if config.fine_tune:
        return PhotoEmbedding(load_backbone(config.backbone), size=HEAD_SIZE)
    inputs = load_backbone(config.backbone).size if config.layer == "features" else IMAGENET_CLASSES
    return Head(inputs, HEAD_SIZE)


def save_config(folder: Path, config: Config) -> None:
    """Begin a run folder."""
    write_json(folder / "config.json", {"format": FORMAT, **config.model_dump()})


def read_run_config(folder: Path) -> Config:
    """The config of a run folder. Raises S2MError where there is none, or one of another version."""
    path = folder / "config.json"
    if not path.is_file():
        raise S2MError(f"{folder} is not a run folder, it has no config.json: give the folder that `s2m train` wrote")
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise S2MError(f"{path} is damaged ({error}): restore it or train again") from error
    found = values.pop("format", None) if isinstance(values, dict) else None
    if found != FORMAT:
        raise S2MError(
            f"{folder} is a run folder of version {found}, this is version {FORMAT}: "
            "train again, or use the s2m it was made with"
        )
    return make_config(values, str(path))


def is_finished(folder: Path) -> bool:
    """Whether the run of a folder came to its end: its last step is in the log, and no state to resume from is left."""
    log = folder / "log.jsonl"
    if (folder / "last.safetensors").is_file() or not log.is_file():
        return False
    return json.loads(log.read_text(encoding="utf-8").splitlines()[-1])["step"] == read_run_config(folder).steps


def save_network(folder: Path, network: RelevanceNet) -> None:
    """The weights in two files, so that runs that share an embedding share a file."""
    for part in ("embedding", "relevance"):
        state = getattr(network, part).state_dict()
        write_bytes(folder / f"{part}.safetensors", safetensors.torch.save(contiguous(state)))


def load_run(folder: str | os.PathLike[str]) -> RelevanceNet:
    """The trained network of a run folder, ready to be used: weights of its best evaluation, in evaluation mode.

    One that was trained on cached descriptors of photographs gets its backbone back: it takes prepared images.

    Raises:
        S2MError: not a run folder, one of another version, or weights that are missing or damaged.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:  # where `s2m train` would write
    ...     save_config(Path(folder), config := Config(embedding="lenet"))
    ...     save_network(Path(folder), build_network(config))
    ...     network = load_run(folder)
    >>> network(torch.rand(1, 5, 1, 28, 28), torch.rand(1, 3, 1, 28, 28)).shape  # 5 examples, 3 queries
    torch.Size([1, 3])
    """
    network, config = load_network(Path(folder)), read_run_config(Path(folder))
    if config.of_photos and not config.fine_tune:
        backbone = load_backbone(config.backbone)
        below = nn.Identity() if config.layer == "features" else backbone.classifier
        network.embedding = PhotoEmbedding(backbone, nn.Sequential(below, network.embedding))
    return network.eval()


def load_network(folder: Path) -> RelevanceNet:
    """The network of a run folder as it was trained, of photographs on cached descriptors. Raises as `load_run`."""
    network = build_network(read_run_config(folder))
    for part in ("embedding", "relevance"):
        load_weights(getattr(network, part), folder / f"{part}.safetensors")
    return network.eval()


def load_weights(module: nn.Module, path: Path) -> None:
    """Fill a module with the weights of a file. Raises S2MError where they are missing, damaged or do not fit."""
    try:
        module.load_state_dict(read_tensors(path)[0])
    except RuntimeError as error:
        raise S2MError(f"{path} holds the weights of another network: give a run of the same embedding") from error


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors and metadata of a safetensors file. Raises S2MError where it is missing or damaged."""
    if not path.is_file():
        anew = f"the run is finished, so restore the file, or delete {path.parent} and train again"
        cure = anew if is_finished(path.parent) else f"finish the run with `s2m resume {path.parent}`"
        raise S2MError(f"{path} is missing: {cure}")
    try:
        with safetensors.safe_open(path, "pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118 not a dict
    except safetensors.SafetensorError as error:
        raise S2MError(f"{path} is damaged ({error}): train again, or restore the file") from error


def contiguous(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors as safetensors wants them, whatever memory format the training used."""
    return {name: value.detach().cpu().contiguous() for name, value in state.items()}
