"""What training minimises: the histogram loss of the paper, and two others, of the methods it is compared with."""

from s2m.losses.histogram import HistogramLoss
from s2m.losses.softmax import SoftmaxLoss
from s2m.losses.verification import VerificationLoss

__all__ = ["HistogramLoss", "SoftmaxLoss", "VerificationLoss"]
