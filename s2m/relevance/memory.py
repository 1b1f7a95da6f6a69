"""MANN: write every example into a memory, look a query up in it."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, normalize

from s2m.errors import S2MError
from s2m.models.checks import check_queries, check_set, check_size
from s2m.relevance.base import Relevance, Scorer

DECAY = 0.99  # gamma, by which a slot's usage fades at every step
START = 10.0  # of the strength: with 1, as cosines are at most 1, all slots are read alike and learning hardly begins


class Memory(Relevance):
    """r(z | X_b) = the logit of label b, of a network with an external memory that has read all sets of the task.

    The memory-augmented neural network, MANN, of Santoro, Bartunov, Botvinick, Wierstra and Lillicrap (2016). The sets
    of a batch are taken to be the concepts of one task, and a set's place in the batch is its label: what a set is
    scored depends on the others, and on the order of examples. They come one after another, set after set, each with
    its label; an LSTM, which also sees what it last read, gives at every step a key k and a gate g in (0, 1), and

        w_write = g w_read' + (1 - g) w_least,    M <- M without the least used slot + w_write k^T,
        w_read = softmax_s(c cos(k, M_s)),       r = w_read^T M,
        u <- 0.99 u + w_read + w_write,

    with w_read' that of the step before, and w_least 1 at the slot of least usage u: least recently used access. A
    query is a step of its own, without a label, that reads and does not write; its logits are linear in the LSTM's
    output and r. Queries do not see one another.

    It departs from theirs in this. Theirs classifies each example as it comes, and so tells its label a step late; here
    only queries are classified, and a label comes with its example. Their LSTM goes on to the queries; here it begins
    anew, so that the memory is all that is known of a task: after the end of a 20-way task, where it learned, it would
    be lost at the end of a 5-way one. Theirs has no strength c, a number that is learned here as in neural Turing
    machines, and four heads to read and write where one is enough here.

    Args:
        size: n, the numbers of a descriptor, best of length 1.
        ways: how many labels there are; a task may have fewer concepts.
        slots, width: the memory, (slots, width). With fewer slots than examples, the least used is overwritten.
        controller: the cells of the LSTM.

    Raises:
        S2MError: an argument below 1.

    >>> relevance = Memory(4, ways=3)
    >>> relevance(torch.rand(2, 5, 4), torch.rand(6, 4)).shape
    torch.Size([2, 6])
    """

    def __init__(self, size: int, ways: int = 20, slots: int = 128, width: int = 40, controller: int = 200) -> None:
        super().__init__()
        if min(size, ways, slots, width, controller) < 1:
            given = f"size is {size}, ways {ways}, slots {slots}, width {width}, controller {controller}"
            raise S2MError(f"{given}: give at least 1 of each")
        self.size, self.ways, self.slots = size, ways, slots
        self.inputs = nn.Linear(size + ways, 4 * controller)
        self.recurrent = nn.Linear(controller + width, 4 * controller, bias=False)
        self.key = nn.Linear(controller, width)
        self.gate = nn.Linear(controller, 1)
        self.outputs = nn.Linear(controller + width, ways)
        self.log_strength = nn.Parameter(torch.tensor(math.log(START)))
        # The example and its label, both of length 1, must move the key more than the LSTM's state does from the start.
        nn.init.normal_(self.inputs.weight)

    def fit(self, examples: Tensor, weights: Tensor | None = None) -> Scorer:
        """Read the whole task. Raises S2MError on an empty set, more sets than labels, NaN, or unfit shapes.

        examples: (B, N, n), B at most `ways`; weights: (B, N), 0 for padding and any positive number for an example.
        """
        x, w = check_set(examples, weights)
        check_size(x, self.size)
        sets = len(x)
        if sets > self.ways:
            raise S2MError(f"{sets} sets, and labels for {self.ways}: give at most {self.ways}, or build it for {sets}")
        present = w > 0
        labels = torch.eye(sets, self.ways).to(x).unsqueeze(1).expand(*present.shape, self.ways)
        sequence = torch.cat([x, labels], 2)[present].to(self.key.weight.dtype)  # (S, n + ways)

        memory = sequence.new_zeros(self.slots, self.key.out_features)
        usage = w_read = memory.new_zeros(self.slots)
        cell = start = memory.new_zeros(self.key.in_features)
        state = blank = memory.new_zeros(self.recurrent.in_features)  # the output of the LSTM, then what was read
        for drive in self.inputs(sequence):
            hidden, cell = self.control(drive, state, cell)
            key, gate = self.key(hidden), self.gate(hidden).sigmoid()
            least = torch.zeros_like(usage)
            least[usage.argmin()] = 1
            w_write = gate * w_read + (1 - gate) * least
            memory = memory * (1 - least).unsqueeze(1) + torch.outer(w_write, key)
            w_read = self.look(key, memory)
            state = torch.cat([hidden, w_read @ memory])
            usage = DECAY * usage + (w_read + w_write).detach()  # decides where to write, a choice without a gradient

        def score(queries: Tensor) -> Tensor:
            z = check_queries(queries, sets, self.size).to(memory)
            drive = linear(z, self.inputs.weight[:, : self.size], self.inputs.bias)
            hidden, _ = self.control(drive, blank, start)
            read = self.look(self.key(hidden), memory) @ memory
            logits = self.outputs(torch.cat([hidden, read], -1))[..., :sets]  # (B or 1, M, B)
            return logits.expand(sets, -1, -1).diagonal(dim1=0, dim2=2).mT.to(queries.dtype)

        return score

    def control(self, drive: Tensor, state: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
        """A step of the LSTM: its output and cells, both (..., controller), given what the input adds to its gates."""
        admit, forget, new, out = (drive + self.recurrent(state)).chunk(4, -1)
        cell = forget.sigmoid() * cell + admit.sigmoid() * new.tanh()
        return out.sigmoid() * cell.tanh(), cell

    def look(self, key: Tensor, memory: Tensor) -> Tensor:
        """Where to read for keys (..., width): weights (..., slots) that sum to 1."""
        cosine = normalize(key, dim=-1) @ normalize(memory, dim=-1).mT
        return (self.log_strength.exp() * cosine).softmax(-1)
