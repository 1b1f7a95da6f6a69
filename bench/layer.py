"""What the set model and the loss cost, as a share of a training step of conv-4.

    python bench/layer.py        (a minute, on a quiet machine)

The step is the paper's Omniglot classification recipe: three tuples of 5 / 15 / 20 drawings, bfloat16, channels last.
The embedding and what stands on it are timed apart, forward and backward, in turns.
"""

from __future__ import annotations

import torch
from timing import machine, time_in_turns

from s2m.embeddings import Conv4
from s2m.losses import HistogramLoss
from s2m.relevance import Likelihood

TUPLES, EXAMPLES, RELEVANT, IRRELEVANT = 3, 5, 15, 20


def main() -> None:
    """Time and print."""
    torch.manual_seed(0)
    embedding = Conv4().to(memory_format=torch.channels_last)
    images = torch.rand(TUPLES * (EXAMPLES + RELEVANT + IRRELEVANT), 1, 28, 28)
    loss = HistogramLoss()
    # Two classes a tuple, as descriptors of length 1 with some spread: what a network half-way through training gives.
    centres = torch.randn(TUPLES, 2, Conv4.size).relu()
    members = torch.cat(
        [centres[:, :1].expand(-1, EXAMPLES + RELEVANT, -1), centres[:, 1:].expand(-1, IRRELEVANT, -1)], 1
    )
    descriptors = torch.nn.functional.normalize(members + 0.3 * torch.randn_like(members).abs(), dim=-1)

    def embed() -> None:
        with torch.autocast("cpu", torch.bfloat16):
            output = embedding(images)
        output.float().sum().backward()

    def layer(components: int) -> None:
        relevance = Likelihood(components)
        leaf = descriptors.clone().requires_grad_()
        scores = relevance(leaf[:, :EXAMPLES], leaf[:, EXAMPLES:])
        loss(scores[:, :RELEVANT], scores[:, RELEVANT:]).backward()

    calls = {"conv-4": embed}
    calls |= {f"{k} component(s)": (lambda k=k: layer(k)) for k in (1, 2, 3, 4)}
    timings = time_in_turns(calls)
    step = timings["conv-4"].median
    print(machine())
    print(f"conv-4 forward and backward: {timings['conv-4']}, {len(images) / step:.0f} images/s")
    for name, timing in list(timings.items())[1:]:
        share = timing.median / (step + timing.median)
        print(f"set model and loss, {name}: {timing}, {100 * share:.1f} % of the training step")


if __name__ == "__main__":
    main()
