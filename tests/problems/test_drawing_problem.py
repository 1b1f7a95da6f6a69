"""Validation asks for what was trained."""

import pytest

from s2m import generate_characters, split_characters
from s2m.config import Config
from s2m.evaluation import classify, describe_characters
from s2m.problems.drawings import DrawingProblem
from s2m.runs import build_network


@pytest.mark.parametrize(("loss", "tuples", "way"), [("softmax", 5, 5), ("softmax", 40, 20), ("histogram", 5, 20)])
def test_validation_has_the_ways_of_a_softmax_up_to_twenty(loss: str, tuples: int, way: int) -> None:
    config = Config(
        data="generated", task="classification", embedding="lenet", relevance="prototypes", learn_prior=False,
        loss=loss, tuples=tuples, examples=2, relevant=2, irrelevant=0, negatives="batch",
    )  # fmt: skip
    letters, network = generate_characters(classes=200, drawings=6), build_network(config)
    descriptors = describe_characters(network, split_characters(letters, "paper", "validation").rotated())
    asked = classify(descriptors, network.relevance, way, 2, tasks=200, stream="validation").mean()
    assert DrawingProblem(config, letters).validate(network) == asked
    other = classify(descriptors, network.relevance, 25 - way, 2, tasks=200, stream="validation").mean()
    assert asked != other
