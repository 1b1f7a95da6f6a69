"""The one function in which the methods differ: the relevance r(z | X) of a query z to a concept set X."""

from s2m.relevance.average import Average
from s2m.relevance.base import Relevance, Scorer
from s2m.relevance.context import FullContext
from s2m.relevance.likelihood import Likelihood
from s2m.relevance.matching import Matching
from s2m.relevance.memory import Memory
from s2m.relevance.metric import NearestMean
from s2m.relevance.nearest import Nearest
from s2m.relevance.prototypes import Prototypes
from s2m.relevance.siamese import Siamese
from s2m.relevance.svm import SupportVectors

__all__ = [
    "Average",
    "FullContext",
    "Likelihood",
    "Matching",
    "Memory",
    "Nearest",
    "NearestMean",
    "Prototypes",
    "Relevance",
    "Scorer",
    "Siamese",
    "SupportVectors",
]
