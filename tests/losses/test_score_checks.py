"""What is asked of relevant and irrelevant scores, through every loss that takes them."""

import pytest
import torch
from torch import Tensor, nn

from s2m import HistogramLoss, S2MError
from s2m.losses import VerificationLoss

NAN, INF = float("nan"), float("inf")
EVERY = pytest.mark.parametrize("loss", [HistogramLoss(), VerificationLoss()], ids=repr)


@EVERY
@pytest.mark.parametrize(
    ("relevant", "irrelevant", "message"),
    [
        (torch.ones(3), torch.ones(3), r"give \(B, P\) and \(B, Q\)"),
        (torch.ones(2, 3), torch.ones(1, 3), r"give \(B, P\) and \(B, Q\)"),
        (torch.ones(2, 0), torch.ones(2, 3), "a tuple without scores"),
        (torch.ones(2, 3), torch.ones(2, 0), "a tuple without scores"),
        (torch.ones(0, 3), torch.ones(0, 3), "a tuple without scores"),
        (torch.tensor([[1.0, NAN]]), torch.ones(1, 3), "a score is NaN or infinite: .* lower the learning rate"),
        (torch.ones(1, 2), torch.tensor([[1.0, INF]]), "a score is NaN or infinite"),
    ],
)
def test_bad_scores_are_one_line(loss: nn.Module, relevant: Tensor, irrelevant: Tensor, message: str) -> None:
    with pytest.raises(S2MError, match=message):
        loss(relevant, irrelevant)


@EVERY
def test_a_tuple_that_is_masked_wholly_is_an_error(loss: nn.Module) -> None:
    mask = torch.tensor([[True, True], [False, False]])
    with pytest.raises(S2MError, match="irrelevant scores are all masked"):
        loss(torch.ones(2, 3), torch.ones(2, 2), mask)
