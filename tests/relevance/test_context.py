"""Full-context embeddings against their formulas, an LSTM written out in numpy."""

import numpy as np
import pytest
import torch
from torch import Tensor

from s2m import S2MError
from s2m.relevance import FullContext, Matching


def context(size: int, steps: int = 5) -> FullContext:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return FullContext(size, steps).double()


def normal(*shape: int, seed: int) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape))


def lstm(gates: np.ndarray, cell: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One step from the four gates before their nonlinearities: output and cell."""
    admit, forget, new, out = np.split(gates, 4)
    sigmoid = lambda v: 1 / (1 + np.exp(-v))  # noqa: E731
    cell = sigmoid(forget) * cell + sigmoid(admit) * np.tanh(new)
    return sigmoid(out) * np.tanh(cell), cell


def read(x: np.ndarray, weights: dict[str, np.ndarray], end: str) -> np.ndarray:
    hidden, cell, outputs = np.zeros(x.shape[1]), np.zeros(x.shape[1]), []
    for row in x:
        gates = weights[f"reader.weight_ih_l0{end}"] @ row + weights[f"reader.weight_hh_l0{end}"] @ hidden
        hidden, cell = lstm(gates + weights[f"reader.bias_ih_l0{end}"] + weights[f"reader.bias_hh_l0{end}"], cell)
        outputs.append(hidden)
    return np.array(outputs)


@pytest.mark.parametrize("steps", [0, 1, 4])
def test_against_the_formulas(steps: int) -> None:
    module, x, queries = context(3, steps), normal(5, 3, seed=0), normal(4, 3, seed=1)
    weights = {name: value.numpy() for name, value in module.state_dict().items()}
    g = read(x.numpy(), weights, "") + read(x.numpy()[::-1], weights, "_reverse")[::-1] + x.numpy()
    found = module.examples(x)
    np.testing.assert_allclose(found.detach(), g, rtol=1e-10, atol=1e-12)  # rounding
    for z, row in zip(queries.numpy(), module.queries(queries, found).detach(), strict=True):
        hidden, cell = z, np.zeros(3)
        for _ in range(steps):
            attention = np.exp(g @ hidden) / np.exp(g @ hidden).sum()
            gates = weights["attender.weight_ih"] @ np.concatenate([z, attention @ g])
            gates += weights["attender.weight_hh"] @ hidden + weights["attender.bias_ih"] + weights["attender.bias_hh"]
            output, cell = lstm(gates, cell)
            hidden = output + z
        np.testing.assert_allclose(row, hidden, rtol=1e-10, atol=1e-12)  # rounding


def test_matching_in_context() -> None:
    """Sets of 2 and 3 examples are one task of 5; their descriptors are compared as those without context are."""
    relevance = Matching(context(4)).double()
    examples, queries = normal(2, 3, 4, seed=0), normal(6, 4, seed=1)
    found = relevance(examples, queries, torch.tensor([[1, 0, 1], [1, 1, 1]]))
    task = relevance.context.examples(examples.flatten(0, 1)[[0, 2, 3, 4, 5]])
    z = relevance.context.queries(queries, task)
    without = [Matching().double()(part.unsqueeze(0), z) for part in task.split([2, 3])]
    torch.testing.assert_close(found, torch.cat(without))


def test_the_context_matters() -> None:
    relevance, examples, queries = Matching(context(4)).double(), normal(2, 3, 4, seed=0), normal(6, 4, seed=1)
    assert not torch.allclose(relevance(examples, queries)[:1], relevance(examples[:1], queries))


def test_gradcheck() -> None:
    relevance = Matching(context(2, steps=2)).double()
    names = [name for name, _ in relevance.named_parameters()]

    def score(examples: Tensor, queries: Tensor, *values: Tensor) -> Tensor:
        return torch.func.functional_call(relevance, dict(zip(names, values)), (examples, queries))

    inputs = [normal(2, 2, 2, seed=0), normal(2, 2, 2, seed=1), *relevance.parameters()]
    assert torch.autograd.gradcheck(score, [value.detach().requires_grad_() for value in inputs])


def test_errors() -> None:
    with pytest.raises(S2MError, match="size is 0 and steps 5: give a size of at least 1"):
        FullContext(0)
    with pytest.raises(S2MError, match=r"size is 4 and steps -1: .* steps of 0 or more"):
        FullContext(4, -1)
    with pytest.raises(S2MError, match="descriptors have 3 numbers, the relevance has weights for 4"):
        Matching(FullContext(4))(torch.ones(1, 2, 3), torch.ones(1, 3))
