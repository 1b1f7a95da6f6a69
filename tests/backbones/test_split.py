"""The last layer is taken off where it is the last, and nowhere else."""

import pytest
import torch
from torch import Tensor, nn
from torchvision.models import densenet121, mobilenet_v3_small

from s2m import S2MError
from s2m.backbones.split import split_classifier


class TwoHeads(nn.Module):
    """Its output is the mean of two linear layers."""

    def __init__(self) -> None:
        super().__init__()
        self.flatten, self.first, self.second = nn.Flatten(), nn.Linear(3 * 64, 5), nn.Linear(3 * 64, 5)

    def forward(self, images: Tensor) -> Tensor:
        features = self.flatten(images)
        return (self.first(features) + self.second(features)) / 2


@pytest.mark.parametrize(("build", "size"), [(mobilenet_v3_small, 1024), (densenet121, 1024)])
def test_the_two_parts_are_the_whole(build: type[nn.Module], size: int) -> None:
    network, images = build(weights=None).eval(), torch.rand(2, 3, 64, 64)
    expected = network(images)
    body, classifier = split_classifier(network, 64, "network")
    assert body(images).shape == (2, size)
    torch.testing.assert_close(classifier(body(images)), expected)


@pytest.mark.parametrize(
    "network",
    [
        nn.Sequential(nn.Conv2d(3, 5, 8), nn.Flatten()),  # no linear layer
        nn.Sequential(nn.Flatten(), nn.Linear(3 * 64, 5), nn.ReLU()),  # something after it
        nn.Linear(8, 5),  # at every place
        TwoHeads(),
    ],
)
def test_a_network_without_a_classifier(network: nn.Module) -> None:
    with pytest.raises(S2MError, match="this does not end in a linear layer, so it has no features to take: choose"):
        split_classifier(network, 8, "this")
