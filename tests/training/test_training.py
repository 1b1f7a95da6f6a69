"""A training: what it leaves, that it learns, and what stops it with a message."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from short_runs import files, outcome, tiny

from s2m import Characters, HistogramLoss, RelevanceNet, S2MError, generate_characters, load_run
from s2m.embeddings import as_images
from s2m.episodes import draw_tuples, generator, take
from s2m.runs import build_network, is_finished
from s2m.training import Trainer


def test_a_run_leaves_its_folder(uninterrupted: Path) -> None:
    assert set(files(uninterrupted)) == {
        "config.json", "log.jsonl", "provenance.json", "embedding.safetensors", "relevance.safetensors",
    }  # fmt: skip
    log = [json.loads(line) for line in (uninterrupted / "log.jsonl").read_text().splitlines()]
    assert [entry["step"] for entry in log] == [2, 4, 6]  # one line an evaluation
    assert all(set(entry) == {"step", "loss", "validation", "seconds"} for entry in log)
    assert all(0 <= entry["loss"] <= 1 and 0 <= entry["validation"] <= 1 for entry in log)
    assert is_finished(uninterrupted)
    start, end = build_network(tiny()).state_dict(), load_run(uninterrupted).state_dict()
    assert all((value != end[name]).any() for name, value in start.items())  # every weight has moved


def test_the_same_config_gives_the_same_run(uninterrupted: Path, letters: Characters, tmp_path: Path) -> None:
    Trainer(tiny(), tmp_path / "again", letters).run()
    assert outcome(tmp_path / "again") == outcome(uninterrupted)
    Trainer(tiny(seed=1), tmp_path / "other", letters).run()
    assert outcome(tmp_path / "other")["embedding"] != outcome(uninterrupted)["embedding"]


def test_a_run_learns(letters: Characters, tmp_path: Path) -> None:
    """Four classes over and over: it need not generalise, only to push the loss down."""
    config = tiny(steps=60, evaluate_every=20, relevance="average", learn_prior=False, irrelevant=10, bins=20)
    trainer = Trainer(config, tmp_path / "run", letters)
    trainer.problem.train_images = trainer.problem.train_images[:4]
    trainer.run()
    losses = [entry["loss"] for entry in trainer.progress.log]
    assert losses[-1] < 0.5 * losses[0]


def test_the_best_evaluation_is_kept(letters: Characters, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scores, kept = iter([0.2, 0.9, 0.5]), []
    trainer = Trainer(tiny(), tmp_path / "run", letters)

    def validate(network: RelevanceNet) -> float:
        kept.append({name: value.clone() for name, value in network.state_dict().items()})
        return next(scores)

    monkeypatch.setattr(trainer.problem, "validate", validate)
    network = trainer.run()
    assert not network.training
    for name, value in network.state_dict().items():
        assert torch.equal(value, kept[1][name])
    assert any(not torch.equal(value, kept[2][name]) for name, value in network.state_dict().items())


def test_the_learning_rate_falls_to_zero(letters: Characters, tmp_path: Path) -> None:
    trainer = Trainer(tiny(learning_rate=0.1, steps=100), tmp_path / "run", letters)
    rates = []
    for step in (0, 50, 100):
        trainer.progress.step = step
        rates.append(trainer.rate())
    assert rates == pytest.approx([0.1, 0.05, 0], abs=1e-12)


def test_other_tuples_serve_as_irrelevant_but_for_the_concept_itself(
    letters: Characters, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """negatives = "batch" against a loop over tuples and queries, with few classes, so that concepts do recur."""
    config = tiny(
        negatives="batch", tuples=3, irrelevant=4, relevance="average", learn_prior=False, precision="float32"
    )
    trainer = Trainer(config, tmp_path / "run", letters)
    trainer.problem.train_images = trainer.problem.train_images[:3]
    tuples = draw_tuples(generator(0, "train", 0), (3, 8), 3, 3, 3, 4)

    def describe(pairs: np.ndarray) -> torch.Tensor:
        return trainer.network.describe(as_images(torch.from_numpy(take(trainer.problem.train_images, pairs))))

    with torch.no_grad():
        losses = []
        for own in range(3):
            concept = tuples.examples[own, 0, 0]
            mean = describe(tuples.examples[own]).mean(0)
            foreign = [
                pair
                for other in range(3)
                for pair in (*tuples.relevant[other], *tuples.irrelevant[other])
                if pair[0] != concept
            ]
            assert len(foreign) > 4
            relevant, irrelevant = describe(tuples.relevant[own]), torch.cat([describe(p[None]) for p in foreign])
            losses.append(HistogramLoss(5)((relevant @ mean)[None], (irrelevant @ mean)[None]).item())
    # Both in float32: a score is off by 1e-7 of a range of about 0.1, so by 1e-5 of one of five bins.
    assert trainer.step() == pytest.approx(sum(losses) / 3, abs=1e-4)


def test_nothing_to_learn(letters: Characters, tmp_path: Path) -> None:
    with pytest.raises(
        S2MError, match="nothing is left to learn: set freeze_embedding = false, learn_prior = true, or"
    ):
        Trainer(tiny(freeze_embedding=True, learn_prior=False), tmp_path / "run", letters)


def test_a_loss_that_is_not_a_number_stops_the_run(letters: Characters, tmp_path: Path) -> None:
    with pytest.raises(S2MError, match="NaN or infinite"):
        Trainer(tiny(learning_rate=1e30, learn_prior=False), tmp_path / "run", letters).run()
    assert set(files(tmp_path / "run")) == {"config.json"}


def test_too_few_drawings(tmp_path: Path) -> None:
    trainer = Trainer(tiny(), tmp_path / "run", generate_characters(classes=40, drawings=5))
    with pytest.raises(S2MError, match="ask for fewer"):
        trainer.run()
