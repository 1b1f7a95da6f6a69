"""The objective against loops over the tuples of a step, in which concepts recur."""

import pytest
import torch
from torch import Tensor
from torch.nn.functional import softplus

from s2m.config import Config
from s2m.objective import Objective
from s2m.relevance import Average

RELEVANT = 2
CLASSES = torch.tensor([[0, 0, 1, 2, 0], [1, 1, 0, 2, 2], [0, 0, 2, 2, 1]])  # the first and the last are one concept


def descriptors(*shape: int, seed: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def verification(relevant: list[Tensor], irrelevant: list[Tensor]) -> Tensor:
    return (softplus(-torch.stack(relevant)).mean() + softplus(torch.stack(irrelevant)).mean()) / 2


@pytest.mark.parametrize("negatives", ["own", "batch"])
def test_verification_against_a_loop(negatives: str) -> None:
    """With negatives = "batch", a query of the very class of a tuple is not foreign to it, whoever brought it."""
    examples, queries = descriptors(3, 4, 6, seed=0), descriptors(3, 5, 6, seed=1)
    config = Config(loss="verification", negatives=negatives, relevant=RELEVANT, irrelevant=3)  # type: ignore[arg-type]
    # Own irrelevant queries are drawn from other classes; only in a batch do they meet their own concept.
    classes = CLASSES if negatives == "batch" else torch.tensor([[0, 0, 1, 2, 1], [1, 1, 0, 2, 2], [0, 0, 2, 2, 1]])
    found = Objective(config)(Average(), examples, queries, classes.flatten() != classes[:, :1])
    losses = []
    for t in range(3):
        relevant, irrelevant = [], []
        for other in range(3) if negatives == "batch" else [t]:
            for index, query in enumerate(queries[other]):
                score = query @ examples[t].mean(0)
                if other == t and index < RELEVANT:
                    relevant.append(score)
                elif classes[other, index] != classes[t, 0]:
                    irrelevant.append(score)
        losses.append(verification(relevant, irrelevant))
    assert len(irrelevant) == (9 if negatives == "batch" else 3)
    assert found.item() == pytest.approx(torch.stack(losses).mean().item(), rel=1e-12)  # rounding


def test_what_each_loss_learns() -> None:
    """Only the softmax has a scale."""
    for loss, names in {"histogram": [], "verification": [], "softmax": ["softmax.log_scale"]}.items():
        objective = Objective(Config(loss=loss, negatives="batch"))  # type: ignore[arg-type]
        assert [name for name, _ in objective.named_parameters()] == names
    assert not Objective(Config(loss="softmax", negatives="batch", learn_scale=False)).softmax.log_scale.requires_grad
    both = Objective(Config(loss="both", negatives="batch"))
    assert both.pairwise is not None
    assert both.softmax is not None
