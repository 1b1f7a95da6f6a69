"""Take the last layer off a network."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torchvision.models import SqueezeNet

from s2m.errors import S2MError


@torch.no_grad()
def split_classifier(network: nn.Module, side: int, name: str) -> tuple[nn.Module, nn.Linear]:
    """A network, changed to end where its last linear layer began, and that layer.

    side: of a square image that the network takes. The layer is the last one if its output is the network's, which is
    tried out. SqueezeNet classifies every place and then pools: its 1x1 convolution is made a linear layer on pooled
    features, which leaves out the rectifier that stands between the two.

    Raises:
        S2MError: the network's output is not that of a linear layer.
    """
    if isinstance(network, SqueezeNet):
        convolution = network.classifier[1]
        layer = nn.Linear(convolution.in_channels, convolution.out_channels)
        layer.load_state_dict({"weight": convolution.weight.flatten(1), "bias": convolution.bias})
        network.classifier = nn.AdaptiveAvgPool2d(1)
        return network, layer
    layers = [(path, layer) for path, layer in network.named_modules() if isinstance(layer, nn.Linear)]
    path, layer = layers[-1] if layers else ("", None)
    seen: list[Tensor] = []
    if layer is not None:
        handle = layer.register_forward_hook(lambda layer, inputs, output: seen.append(output))
        output = network(torch.zeros(1, 3, side, side))
        handle.remove()
    if len(seen) != 1 or seen[0] is not output or output.ndim != 2:
        raise S2MError(f"{name} does not end in a linear layer, so it has no features to take: choose another network")
    parent, _, child = path.rpartition(".")
    setattr(network.get_submodule(parent), child, nn.Identity())
    return network, layer
