"""SVM 1-vs-all: keep the plane that parts a set from others."""

from __future__ import annotations

import numpy as np
import torch
from sklearn.svm import LinearSVC
from torch import Tensor

from s2m.errors import S2MError
from s2m.models.checks import check_queries, check_set
from s2m.relevance.base import Relevance, Scorer


class SupportVectors(Relevance):
    """r(z | X) = <u, z> + b, the signed distance (times ||u||) from the plane of a linear SVM, X against negatives.

    The SVM is scikit-learn's `LinearSVC`: half of ||u||^2 + b^2, plus C times the squared hinge losses, is least.
    Cortes and Vapnik (1995); as a rival in Vakhitov, Kuzmin and Lempitsky (2018), where the negatives of a set X are
    2 |X| random images. Here they are `negatives`, or else the examples of the other sets of the batch: a batch is
    taken to be an N-way task, and its sets to be different concepts.

    It has no gradient through the fit, so it is only for descriptors that were learned otherwise:
    `RelevanceNet(run.embedding, SupportVectors())` with `run = load_run(folder)`.

    Args:
        negatives: (M, n) descriptors to part every set from; None takes the other sets of the batch.
        C: the weight of the hinge losses, > 0.

    Raises:
        S2MError: a C that is not positive, or negatives that are no descriptors.

    >>> task = torch.tensor([[[1.0, 0.0]], [[0.0, 1.0]]])  # two concepts of one example
    >>> SupportVectors()(task, torch.tensor([[1.0, 0.0]])).sign()
    tensor([[ 1.],
            [-1.]])
    """

    def __init__(self, negatives: Tensor | None = None, C: float = 1.0) -> None:
        super().__init__()
        if not C > 0:
            raise S2MError(f"C is {C}: give a positive number")
        self.C = C
        checked = None if negatives is None else check_set(negatives, None)[0].flatten(0, 1)
        # Not saved: they belong to a collection, not to what was learned.
        self.register_buffer("negatives", checked, persistent=False)

    def fit(self, examples: Tensor, weights: Tensor | None = None) -> Scorer:
        """Keep a plane a set, n + 1 numbers.

        examples: (B, N, n); weights: (B, N), 1 for an example and 0 for padding.

        Raises:
            S2MError: one set and no negatives, a gradient that is asked for, or what every fit raises.
        """
        x, w = check_set(examples, weights)
        if torch.is_grad_enabled() and x.requires_grad:
            raise S2MError("an SVM has no gradient: fit it under torch.no_grad(), or learn with another relevance")
        if self.negatives is not None:
            if self.negatives.shape[1] != x.shape[2]:
                sizes = f"the negatives have {self.negatives.shape[1]} numbers, the examples {x.shape[2]}"
                raise S2MError(f"{sizes}: describe both with one embedding")
        elif len(x) == 1:
            raise S2MError("one set and nothing to part it from: give SupportVectors(negatives=...), or several sets")
        planes = torch.stack([self.plane(x, w, index) for index in range(len(x))]).to(x)  # (B, n + 1)

        def score(queries: Tensor) -> Tensor:
            z = check_queries(queries, len(x), x.shape[2])
            return (z @ planes[:, :-1, None] + planes[:, -1:, None]).squeeze(2).to(queries.dtype)

        return score

    def plane(self, x: Tensor, w: Tensor, index: int) -> Tensor:
        """u and b of one set of the batch: (n + 1,)."""
        own, own_weights = x[index], w[index]
        if self.negatives is not None:
            foreign, foreign_weights = self.negatives, self.negatives.new_ones(len(self.negatives))
        else:
            others = torch.arange(len(x), device=x.device) != index
            foreign, foreign_weights = x[others].flatten(0, 1), w[others].flatten()
        points, counts = torch.cat([own, foreign]).cpu(), torch.cat([own_weights, foreign_weights]).cpu()
        truth = torch.arange(len(points)) < len(own)
        present = counts > 0
        # The primal is solved by Newton steps, in which there is no chance; about five digits of u and b are right.
        machine = LinearSVC(C=self.C, dual=False, tol=1e-6)
        machine.fit(points[present].numpy(), truth[present].numpy(), sample_weight=counts[present].numpy())
        return torch.from_numpy(np.append(machine.coef_, machine.intercept_))
