"""A training that starts from another run's embedding."""

import json
from pathlib import Path

import pytest
import torch
from short_runs import tiny

from s2m import Characters, S2MError, generate_characters, load_run
from s2m.runs import is_finished
from s2m.training import Trainer


def test_a_frozen_embedding_keeps_its_bytes(letters: Characters, tmp_path: Path) -> None:
    """conv-4, whose batch normalisation would change its statistics if it were not told to stand still."""
    small = {"embedding": "conv4", "steps": 2}
    Trainer(tiny(**small, relevance="average", learn_prior=False, seed=2), tmp_path / "donor-2", letters).run()
    config = tiny(**small, seed=2, init_from=str(tmp_path / "donor-{seed}"), freeze_embedding=True, learning_rate=0.1)
    trainer = Trainer(config, tmp_path / "run", letters)
    before = trainer.network.relevance.state_dict()["log_prior"].clone()
    network = trainer.run()
    assert (tmp_path / "run" / "embedding.safetensors").read_bytes() == (
        tmp_path / "donor-2" / "embedding.safetensors"
    ).read_bytes()
    assert (network.relevance.state_dict()["log_prior"] != before).all()


def test_an_embedding_that_is_not_frozen_starts_from_the_donor(
    uninterrupted: Path, letters: Characters, tmp_path: Path
) -> None:
    trainer = Trainer(tiny(init_from=str(uninterrupted)), tmp_path / "run", letters)
    donor = load_run(uninterrupted)
    for name, value in donor.embedding.state_dict().items():
        assert torch.equal(trainer.network.embedding.state_dict()[name], value)
    trainer.step()
    assert any(
        not torch.equal(trainer.network.embedding.state_dict()[n], v) for n, v in donor.embedding.state_dict().items()
    )


def test_a_donor_that_does_not_fit(uninterrupted: Path, letters: Characters, tmp_path: Path) -> None:
    with pytest.raises(S2MError, match="is not a run folder"):
        Trainer(tiny(init_from=str(tmp_path)), tmp_path / "run", letters)
    with pytest.raises(S2MError, match="holds the weights of another network: give a run of the same embedding"):
        Trainer(tiny(embedding="conv4", init_from=str(uninterrupted)), tmp_path / "run", letters)
    assert not (tmp_path / "run").exists()


def test_another_runs_embedding_is_judged_as_it_is(uninterrupted: Path, tmp_path: Path) -> None:
    """No steps: the embedding of the donor, whatever relevance is put on it, and a run that counts as finished."""
    config = tiny(steps=0, init_from=str(uninterrupted), relevance="svm", task="classification", learn_prior=False)
    trained = Trainer(config, tmp_path / "run", generate_characters(classes=100, drawings=8)).run()
    donor = load_run(uninterrupted).embedding.state_dict()
    assert all(torch.equal(value, donor[name]) for name, value in trained.embedding.state_dict().items())
    assert is_finished(tmp_path / "run")
    entry = json.loads((tmp_path / "run" / "log.jsonl").read_text())
    assert (entry["step"], entry["loss"]) == (0, None)
    assert entry["validation"] > 1 / 20  # chance of a 20-way task
