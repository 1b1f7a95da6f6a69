"""Whatever a config asks for besides the paper's recipe trains, and stopped on the way ends the same."""

import math
from pathlib import Path

import pytest
import torch
from short_runs import outcome, tiny

from s2m import Characters, load_run
from s2m.runs import build_network
from s2m.training import Trainer, resume


def test_jittered_drawings_resume_too(letters: Characters, tmp_path: Path) -> None:
    config = tiny(augment=True, steps=4)
    Trainer(config, tmp_path / "whole", letters).run()
    Trainer(config, tmp_path / "parts", letters).run(until=2)
    resume(tmp_path / "parts", letters).run()
    assert outcome(tmp_path / "whole") == outcome(tmp_path / "parts")
    Trainer(tiny(steps=4), tmp_path / "plain", letters).run()
    assert outcome(tmp_path / "plain") != outcome(tmp_path / "whole")


def test_a_softmax_over_distinct_concepts(letters: Characters, tmp_path: Path) -> None:
    """Resumed, its learned scale goes on too; and each query is scored by every concept of its step."""
    config = tiny(loss="both", negatives="batch", tuples=4, irrelevant=0, steps=4)
    whole, parts = Trainer(config, tmp_path / "whole", letters), Trainer(config, tmp_path / "parts", letters)
    whole.run()
    parts.run(until=2)
    resumed = resume(tmp_path / "parts", letters)
    resumed.run()
    assert outcome(tmp_path / "whole") == outcome(tmp_path / "parts")
    assert whole.objective.softmax is not None
    assert resumed.objective.softmax is not None
    assert whole.objective.softmax.log_scale != 0
    assert torch.equal(whole.objective.softmax.log_scale, resumed.objective.softmax.log_scale)


RIVALS = [
    {"relevance": "prototypes", "loss": "softmax", "scale": 10.0},
    {"relevance": "matching", "loss": "softmax", "learn_scale": False},
    {"relevance": "matching", "loss": "softmax", "learn_scale": False, "context": True},
    {"relevance": "mann", "loss": "softmax", "learn_scale": False},
    {"relevance": "nearest-mean", "loss": "softmax"},
    {"relevance": "siamese", "loss": "verification"},
    {"relevance": "siamese", "loss": "verification", "negatives": "own", "irrelevant": 4},
]


@pytest.mark.parametrize("changes", RIVALS, ids=str)
def test_a_rival_trains_and_resumes(letters: Characters, tmp_path: Path, changes: dict[str, object]) -> None:
    """Whatever it learns has moved, and stopped on the way it ends the same."""
    shared = {"negatives": "batch", "irrelevant": 0, "tuples": 4, "learn_prior": False, "steps": 4}
    config = tiny(**{**shared, **changes})
    whole = Trainer(config, tmp_path / "whole", letters)
    whole.run()
    Trainer(config, tmp_path / "parts", letters).run(until=3)
    resume(tmp_path / "parts", letters).run()
    assert outcome(tmp_path / "whole") == outcome(tmp_path / "parts")
    start, end = build_network(config).state_dict(), load_run(tmp_path / "whole").state_dict()
    assert all((value != end[name]).any() for name, value in start.items())
    if whole.objective.softmax is not None:
        moved = whole.objective.softmax.log_scale.item() != pytest.approx(math.log(config.scale), abs=1e-9)
        assert moved == config.learn_scale
