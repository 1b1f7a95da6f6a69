"""A frozen network, its features, and the head on top."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from s2m import S2MError
from s2m.backbones import Backbone, Head, PhotoEmbedding, Preparation

Make = Callable[..., Backbone]


@pytest.fixture
def images() -> torch.Tensor:
    return torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))


def test_features_and_outputs(make_backbone: Make, images: torch.Tensor) -> None:
    backbone = make_backbone()
    features = backbone(images)
    assert backbone.size == 5
    assert features.shape == (4, 5)
    weight, bias = backbone.classifier.weight, backbone.classifier.bias
    torch.testing.assert_close(backbone.classify(features), features @ weight.T + bias)
    pixels = np.random.default_rng(0).integers(0, 256, (9, 12, 3), np.uint8)
    assert torch.equal(backbone.prepare(Image.fromarray(pixels)), Preparation(10, 8)(Image.fromarray(pixels)))


def test_it_stays_frozen(make_backbone: Make, images: torch.Tensor) -> None:
    """In whatever network it is put and however that is trained."""
    backbone = make_backbone()
    before = backbone(images)
    whole = nn.Sequential(backbone).train()
    whole(images)
    torch.testing.assert_close(backbone(images), before, rtol=0, atol=0)
    assert not any(module.training for module in backbone.modules())
    assert not any(parameter.requires_grad for parameter in backbone.parameters())


def test_the_identity_tells_what_features_depend_on(make_backbone: Make) -> None:
    same, again = make_backbone().identity, make_backbone().identity
    assert same == again
    assert len(same) == 64
    others = [
        make_backbone("other"),
        make_backbone(preparation=Preparation(9, 8)),
        make_backbone(fast=True),
        make_backbone(seed=1),
    ]
    assert len({same, *(other.identity for other in others)}) == 5
    changed = make_backbone()
    changed.body[1].running_var[2] = 2.0  # a buffer counts too
    assert changed.identity != same


def test_fast_is_nearly_the_same(make_backbone: Make, images: torch.Tensor) -> None:
    features = make_backbone(fast=True)(images)
    assert features.dtype == torch.float32
    assert features.shape == (4, 5)
    expected = make_backbone()(images)
    # bfloat16 keeps 8 bits, 0.4 %: of the pixels, the weights and the sums.
    assert 0 < (features - expected).abs().max() < 0.02 * expected.abs().max()


@pytest.mark.parametrize("shape", [(3, 8, 8), (2, 1, 8, 8), (2, 3, 8)])
def test_other_shapes_are_refused(make_backbone: Make, shape: tuple[int, ...]) -> None:
    with pytest.raises(S2MError, match=r"images have shape .*: give \(B, 3, H, W\), each from `prepare`"):
        make_backbone()(torch.zeros(shape))


def test_a_photo_embedding_learns_all_but_the_classifier(make_backbone: Make, images: torch.Tensor) -> None:
    embedding = PhotoEmbedding(make_backbone(), size=6).train()
    before = embedding.backbone.body[1].running_mean.clone()
    descriptors = embedding(images)
    assert descriptors.shape == (4, 6)
    assert embedding.head.size == 6
    descriptors.square().sum().backward()
    learned = {name for name, value in embedding.named_parameters() if value.grad is not None}
    assert learned == {name for name, _ in embedding.named_parameters() if "classifier" not in name}
    assert not embedding.backbone.classifier.weight.requires_grad
    torch.testing.assert_close(embedding.backbone.body[1].running_mean, before, rtol=0, atol=0)


def test_a_head_trained_on_features_goes_on_photographs(make_backbone: Make, images: torch.Tensor) -> None:
    backbone, head = make_backbone(), Head(5, 3)
    embedding = PhotoEmbedding(backbone, head)
    torch.testing.assert_close(embedding(images), head(backbone(images)))
    photo = Image.new("RGB", (20, 20), "red")
    assert torch.equal(embedding.prepare(photo), backbone.prepare(photo))
    assert Head(1280).size == 128
