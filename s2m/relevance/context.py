"""Full-context embeddings: descriptors that know which task they are in."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from s2m.errors import S2MError


class FullContext(nn.Module):
    """Descriptors of a task's examples, and of a query, made anew in view of all examples of the task.

    From Vinyals, Blundell, Lillicrap, Kavukcuoglu and Wierstra (2016), appendix A. An example x_i becomes g_i by an
    LSTM that reads all examples forwards and backwards, in the order in which they are given, on which g depends:

        g_i = forwards_i + backwards_i + x_i.

    A query z becomes h_K by an LSTM that K times attends to the examples, from h_0 = z and c_0 = 0:

        r = sum_i softmax_i(<h_k, g_i>) g_i,  (h', c_k+1) = LSTM(z, [h_k, r], c_k),  h_k+1 = h' + z.

    Args:
        size: n, the numbers of a descriptor.
        steps: K; the paper leaves it open.

    Raises:
        S2MError: a size below 1, or negative steps.

    >>> context = FullContext(4)
    >>> examples = context.examples(torch.rand(6, 4))
    >>> context.queries(torch.rand(3, 4), examples).shape
    torch.Size([3, 4])
    """

    def __init__(self, size: int, steps: int = 5) -> None:
        super().__init__()
        if size < 1 or steps < 0:
            raise S2MError(f"size is {size} and steps {steps}: give a size of at least 1, and steps of 0 or more")
        self.size, self.steps = size, steps
        self.reader = nn.LSTM(size, size, bidirectional=True)
        self.attender = nn.LSTMCell(2 * size, size)  # r goes in beside z: the gates are linear in z, h and r alike

    def examples(self, descriptors: Tensor) -> Tensor:
        """All S examples of a task, (S, n), in view of one another: (S, n)."""
        x = descriptors.to(self.attender.bias_ih.dtype)
        forwards, backwards = self.reader(x)[0].chunk(2, dim=1)
        return (forwards + backwards).to(descriptors) + descriptors

    def queries(self, descriptors: Tensor, examples: Tensor) -> Tensor:
        """Queries (M, n) in view of the task's examples (S, n) as `examples` returns them: (M, n)."""
        kind = self.attender.bias_ih.dtype
        z, g = descriptors.to(kind), examples.to(kind)
        hidden, cell = z, torch.zeros_like(z)
        for _ in range(self.steps):
            read = (hidden @ g.mT).softmax(1) @ g
            hidden, cell = self.attender(torch.cat([z, read], 1), (hidden, cell))
            hidden = hidden + z
        return hidden.to(descriptors)
