"""MANN against its equations, an LSTM and its memory written out slot by slot."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from s2m import S2MError
from s2m.losses import SoftmaxLoss
from s2m.relevance import Memory


def memory(*sizes: int) -> Memory:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Memory(*sizes).double()


def normal(*shape: int, seed: int) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape))


def sigmoid(v: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-v))


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    lengths = np.linalg.norm(a) * np.linalg.norm(b)
    return float(a @ b / lengths) if lengths else 0.0


class Oracle:
    """The network after some examples; `emptied` are the slots that were the least used, in turn."""

    def __init__(self, relevance: Memory, examples: list[tuple[np.ndarray, int]]) -> None:
        self.weights = {name: value.numpy() for name, value in relevance.state_dict().items()}
        self.memory = [np.zeros(len(self.weights["key.weight"])) for _ in range(relevance.slots)]
        self.begin()
        w_read, usage, self.emptied = [0.0] * relevance.slots, [0.0] * relevance.slots, []
        for x, label in examples:
            self.hidden, self.cell = self.lstm(x, label)
            key = self.key(self.hidden)
            gate = sigmoid(self.weights["gate.weight"] @ self.hidden + self.weights["gate.bias"]).item()
            least = min(range(relevance.slots), key=usage.__getitem__)
            self.emptied.append(least)
            self.memory[least] = np.zeros_like(self.memory[least])
            w_write = [gate * old + (1 - gate) * (s == least) for s, old in enumerate(w_read)]
            self.memory = [row + written * key for row, written in zip(self.memory, w_write, strict=True)]
            w_read, self.read = self.look(key)
            usage = [0.99 * used + a + b for used, a, b in zip(usage, w_read, w_write, strict=True)]

    def begin(self) -> None:
        width, controller = self.weights["key.weight"].shape
        self.hidden, self.cell, self.read = np.zeros(controller), np.zeros(controller), np.zeros(width)

    def lstm(self, x: np.ndarray, label: int | None) -> tuple[np.ndarray, np.ndarray]:
        weight = self.weights["inputs.weight"]
        gates = weight[:, : len(x)] @ x + self.weights["inputs.bias"]
        gates += self.weights["recurrent.weight"] @ np.concatenate([self.hidden, self.read])
        if label is not None:
            gates += weight[:, len(x) + label]
        admit, forget, new, out = np.split(gates, 4)
        cell = sigmoid(forget) * self.cell + sigmoid(admit) * np.tanh(new)
        return sigmoid(out) * np.tanh(cell), cell

    def key(self, hidden: np.ndarray) -> np.ndarray:
        return self.weights["key.weight"] @ hidden + self.weights["key.bias"]

    def look(self, key: np.ndarray) -> tuple[list[float], np.ndarray]:
        likeness = [math.exp(math.exp(self.weights["log_strength"]) * cosine(key, row)) for row in self.memory]
        w_read = [value / sum(likeness) for value in likeness]
        return w_read, sum(weight * row for weight, row in zip(w_read, self.memory, strict=True))

    def logits(self, query: np.ndarray) -> np.ndarray:
        self.begin()
        hidden, _ = self.lstm(query, None)
        _, read = self.look(self.key(hidden))
        return self.weights["outputs.weight"] @ np.concatenate([hidden, read]) + self.weights["outputs.bias"]


@pytest.mark.parametrize(("slots", "in_use"), [(9, 5), (3, 3)])
def test_against_the_equations(slots: int, in_use: int) -> None:
    """Sets of 2 and 3 examples, with more slots than examples and with fewer; of 4 labels 2 are in use."""
    relevance, examples, queries = memory(3, 4, slots, 5, 6), normal(2, 3, 3, seed=0), normal(7, 3, seed=1)
    found = relevance(examples, queries, torch.tensor([[1, 0, 1], [1, 1, 1]])).detach()
    x = examples.numpy()
    oracle = Oracle(relevance, [(x[0, 0], 0), (x[0, 2], 0), *((row, 1) for row in x[1])])
    assert len(set(oracle.emptied)) == in_use
    expected = np.stack([oracle.logits(query)[:2] for query in queries.numpy()], 1)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-11)  # rounding


def test_a_set_may_have_queries_of_its_own() -> None:
    relevance, examples, queries = memory(3, 4, 9, 5, 6), normal(2, 3, 3, seed=0), normal(2, 7, 3, seed=1)
    shared = relevance(examples, queries.flatten(0, 1))  # (2, 14)
    torch.testing.assert_close(relevance(examples, queries), torch.stack([shared[0, :7], shared[1, 7:]]))


def test_the_other_sets_matter() -> None:
    relevance, examples, queries = memory(3, 4, 9, 5, 6), normal(2, 3, 3, seed=0), normal(7, 3, seed=1)
    assert not torch.allclose(relevance(examples, queries)[:1], relevance(examples[:1], queries))


def test_it_learns_to_look_up() -> None:
    """Three new directions a task, each seen twice: what a label means can only be read in the memory."""
    relevance, loss = memory(8, 3, 8, 12, 24).float(), SoftmaxLoss(learn=False)
    optimizer = torch.optim.Adam(relevance.parameters(), lr=1e-2)
    right = []
    for step in range(300):
        directions = torch.nn.functional.normalize(normal(3, 1, 8, seed=step).float(), dim=2)
        scores = relevance(directions.expand(3, 2, 8), directions.flatten(0, 1)).unsqueeze(2)
        optimizer.zero_grad()
        loss(scores).backward()
        optimizer.step()
        right.append((scores[..., 0].argmax(0) == torch.arange(3)).float().mean().item())
    assert np.mean(right[:50]) < 0.5  # chance is 1/3
    assert np.mean(right[-50:]) > 0.8


def test_errors() -> None:
    with pytest.raises(S2MError, match=r"width 0, controller 200: give at least 1 of each"):
        Memory(4, width=0)
    with pytest.raises(S2MError, match="3 sets, and labels for 2: give at most 2, or build it for 3"):
        Memory(4, ways=2)(torch.ones(3, 2, 4), torch.ones(1, 4))
    with pytest.raises(S2MError, match="descriptors have 3 numbers, the relevance has weights for 4"):
        Memory(4)(torch.ones(1, 2, 3), torch.ones(1, 3))
