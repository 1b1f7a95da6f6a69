"""Looking nine times, with networks that were never trained, on generated characters."""

from pathlib import Path

import looks as program
import numpy as np
import pytest

from s2m import generate_characters
from s2m.augmentation import NineLooks
from s2m.config import Config
from s2m.evaluation import confidence95
from s2m.judging import judge
from s2m.problems import drawings, load_problem
from s2m.runs import build_network, load_run, read_run_config, save_config, save_network

LETTERS = generate_characters(classes=80, drawings=8)  # enough to validate 20 ways
SETTINGS = ((3, 1), (3, 5))


def test_gains_are_paired(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawings, "SETTINGS", SETTINGS)
    results = tmp_path / "results"
    folder = results / "omniglot_beyond" / "s2m-gauss"
    before, after = [], []
    for seed in range(2):
        run = folder / f"seed-{seed}"
        config = Config(data="generated", embedding="lenet", examples=3, seed=seed)
        save_config(run, config)
        save_network(run, build_network(config))
        judge(run, LETTERS, tasks=6)
        problem, network = load_problem(read_run_config(run), LETTERS), load_run(run)
        before.append(problem.judge(network, 6))
        network.embedding = NineLooks(network.embedding)
        after.append(problem.judge(network, 6))
    table = program.looks(results, LETTERS, tasks=6)
    assert list(zip(table.way, table.shot, strict=True)) == list(SETTINGS)
    assert (table.method == "S2M-Gauss, longer").all()  # methods without runs have no rows
    assert (table.seeds == 2).all()
    for row, (way, shot) in zip(table.itertuples(), SETTINGS, strict=True):
        name = f"{way}-way {shot}-shot"
        one, nine = (np.array([judged[name] for judged in all_seeds]) for all_seeds in (before, after))
        assert row.accuracy == pytest.approx(nine.mean(), abs=5e-5)  # rounded to four digits
        assert row.gain == pytest.approx((nine - one).mean(), abs=5e-5)
        assert row.gain_ci95 == pytest.approx(confidence95((nine - one).mean(1)), abs=5e-5)
        assert row.gain_ci95_tasks == pytest.approx(confidence95((nine - one).mean(0)), abs=5e-5)
    assert (table.gain != 0).any()


def test_no_runs_no_rows(tmp_path: Path) -> None:
    assert program.looks(tmp_path / "results", LETTERS).empty
