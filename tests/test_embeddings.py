"""The two networks: sizes, counts, names."""

import numpy as np
import pytest
import torch

from s2m import Conv4, LeNet, S2MError
from s2m.embeddings import EMBEDDINGS, as_images, block, build_embedding, weight_count


@pytest.mark.parametrize(("embedding", "size"), [(Conv4(), 64), (LeNet(), 100)], ids=["conv4", "lenet"])
def test_images_to_descriptors(embedding: torch.nn.Module, size: int) -> None:
    images = torch.rand(3, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    descriptors = embedding.eval()(images)
    assert descriptors.shape == (3, size)
    assert embedding.size == size
    # An image's descriptor does not depend on its company, but for the rounding of float32.
    torch.testing.assert_close(embedding(images[:1]), descriptors[:1], rtol=1e-4, atol=1e-6)


def test_the_number_of_weights() -> None:
    """Counted by hand: weights and biases of every layer, and two numbers a filter for batch normalisation."""
    assert weight_count(Conv4()) == (9 + 1) * 64 + 3 * (9 * 64 + 1) * 64 + 4 * 2 * 64
    assert weight_count(LeNet()) == (25 + 1) * 20 + (25 * 20 + 1) * 50 + (800 + 1) * 500 + (500 + 1) * 100


def test_pooling_first_changes_nothing() -> None:
    """ReLU, then pooling, as the paper has it: the same to the last bit, in values and gradients."""
    torch.manual_seed(0)
    ours = block(1, 64)
    convolution, normalisation, pooling, relu = ours
    published = torch.nn.Sequential(convolution, normalisation, relu, pooling)
    images, found = torch.rand(8, 1, 28, 28).round(), []
    for network in (ours, published):
        network.zero_grad()
        pooled = network(images)
        pooled.square().sum().backward()
        found.append([pooled.detach(), *(p.grad.clone() for p in network.parameters())])
    assert (found[0][0] == 0).any()
    assert len(found[0]) == 5
    assert all(torch.equal(one, other) for one, other in zip(*found, strict=True))


@pytest.mark.parametrize("name", list(EMBEDDINGS))
def test_by_name_and_with_colour(name: str) -> None:
    assert type(build_embedding(name)) is EMBEDDINGS[name]
    assert EMBEDDINGS[name](channels=3)(torch.zeros(2, 3, 28, 28)).shape[0] == 2


def test_an_unknown_name_is_an_error() -> None:
    with pytest.raises(S2MError, match="no embedding is called 'vgg': give one of conv4, lenet"):
        build_embedding("vgg")


def test_pixels_to_images() -> None:
    images = as_images(torch.from_numpy(np.array([[[[0, 51], [255, 255]]]], dtype=np.uint8)))
    assert images.shape == (1, 1, 1, 2, 2)
    torch.testing.assert_close(images.flatten(), torch.tensor([0.0, 0.2, 1.0, 1.0]))
