"""The verification loss: is this the same concept, yes or no?"""

from __future__ import annotations

from torch import Tensor, nn

from s2m.losses.checks import check_scores


class VerificationLoss(nn.Module):
    """Cross-entropy of saying for each query whether it belongs to the concept, with p(same | z) = sigmoid(r(z | X)).

    Each tuple counts its relevant queries for one half and its irrelevant ones for the other, however many they are:

        L = mean over z in Z+ of -log sigmoid(r) / 2 + mean over z in Z- of -log sigmoid(-r) / 2.

    Unlike the other losses it asks for a relevance whose zero means "undecided", such as `Siamese`. From Koch, Zemel
    and Salakhutdinov (2015), whose batches are half equal pairs and half different ones.

    Raises:
        S2MError: no scores, shapes that do not match, or scores that are not finite.

    >>> import torch
    >>> loss = VerificationLoss()
    >>> loss(torch.tensor([[9.0, 9.0]]), torch.tensor([[-9.0]])).item() < 1e-3  # sure, and right
    True
    >>> loss(torch.zeros(1, 2), torch.zeros(1, 5))  # undecided: log 2
    tensor(0.6931)
    """

    def forward(self, relevant: Tensor, irrelevant: Tensor, mask: Tensor | None = None) -> Tensor:
        """The mean loss of B tuples, a scalar >= 0.

        relevant: (B, P) scores; irrelevant: (B, Q) scores; mask: (B, Q), false for an irrelevant score to leave out.
        """
        same, other, counted = check_scores(relevant, irrelevant, mask)
        softplus = nn.functional.softplus  # softplus(r) = -log sigmoid(-r)
        of_other = (softplus(other) * counted).sum(1) / counted.sum(1)
        return ((softplus(-same).mean(1) + of_other) / 2).mean().to(relevant.dtype)
