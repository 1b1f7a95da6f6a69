"""Resumed, a run ends where it would have ended; stopped, it leaves whole files; what cannot be resumed says why."""

import errno
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from short_runs import TINY, files, outcome, tiny

from s2m import Characters, S2MError
from s2m.runs import is_finished
from s2m.storage import write_bytes
from s2m.training import Trainer, resume


class Killed(BaseException):
    """Ends a run on the spot, as no handler of exceptions expects."""


@pytest.mark.parametrize("moment", range(16))
def test_killed_before_any_file_is_written_it_ends_the_same(
    uninterrupted: Path, letters: Characters, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: int
) -> None:
    """A run writes its config, then up to five files an evaluation: killed before each of them in turn."""
    written = 0

    def killing(path: Path, content: bytes) -> None:
        nonlocal written
        if written == moment:
            raise Killed
        written += 1
        write_bytes(path, content)

    folder = tmp_path / "run"
    monkeypatch.setattr("s2m.training.write_bytes", killing)
    monkeypatch.setattr("s2m.runs.write_bytes", killing)
    monkeypatch.setattr("s2m.storage.write_bytes", killing)  # what write_json calls
    try:
        Trainer(tiny(), folder, letters).run()
    except Killed:
        assert not is_finished(folder)
    monkeypatch.undo()
    if (folder / "config.json").exists():
        if not is_finished(folder):
            resume(folder, letters).run()
    else:
        Trainer(tiny(), folder, letters).run()
    assert outcome(folder) == outcome(uninterrupted)
    assert is_finished(folder)


CHILD = """
import sys
from pathlib import Path
from s2m import generate_characters
from s2m.config import read_config
from s2m.training import Trainer
letters = generate_characters(classes=40, drawings=8)
Trainer(read_config(Path(sys.argv[1])), Path(sys.argv[2]), letters).run()
"""


def test_killed_by_a_signal_at_a_random_moment_it_ends_the_same(letters: Characters, tmp_path: Path) -> None:
    dice = random.Random(0)
    changes = {"steps": 2000, "evaluate_every": 5}  # far more than the child gets to do
    text = "".join(f"{key} = {json.dumps(value)}\n" for key, value in {**TINY, **changes}.items())
    (tmp_path / "config.toml").write_text(text)
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(tmp_path / "config.toml"), str(tmp_path / "run")],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    log, wanted = tmp_path / "run" / "log.jsonl", dice.randrange(1, 4)
    deadline = time.monotonic() + 200
    while not (log.exists() and len(log.read_text().splitlines()) >= wanted):
        assert child.poll() is None, "the child ended by itself"
        assert time.monotonic() < deadline
        time.sleep(0.01)
    time.sleep(dice.uniform(0, 0.5))
    child.kill()
    assert child.wait() == -signal.SIGKILL
    done = len(log.read_text().splitlines())
    # Go on for two more evaluations, and compare with as many steps that nothing stopped.
    resumed = resume(tmp_path / "run", letters)
    assert resumed.progress.step in (5 * done, 5 * done - 5)
    until = 5 * done + 10
    resumed.run(until=until)
    whole = Trainer(tiny(**changes), tmp_path / "whole", letters)
    whole.run(until=until)
    assert outcome(tmp_path / "run") == outcome(tmp_path / "whole")
    for name, value in whole.network.state_dict().items():
        assert torch.equal(resumed.network.state_dict()[name], value), name
    expected = whole.optimizer.state_dict()["state"]
    for index, state in resumed.optimizer.state_dict()["state"].items():
        assert all(torch.equal(value, expected[index][key]) for key, value in state.items())


@pytest.mark.parametrize(
    "changes", [{"embedding": "conv4"}, {"components": 2, "schedule": "constant", "negatives": "batch"}], ids=str
)
def test_stopped_between_evaluations_it_ends_the_same(
    letters: Characters, tmp_path: Path, changes: dict[str, str]
) -> None:
    Trainer(tiny(**changes), tmp_path / "whole", letters).run()
    Trainer(tiny(**changes), tmp_path / "run", letters).run(until=3)
    resume(tmp_path / "run", letters).run()
    assert outcome(tmp_path / "run") == outcome(tmp_path / "whole")


def test_a_full_disk_leaves_whole_files_and_the_run_goes_on(
    uninterrupted: Path, letters: Characters, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "run"
    Trainer(tiny(), folder, letters).run(until=2)
    before = files(folder)
    real = os.fdopen

    class Full:
        """A file on a disk that takes ten bytes and no more."""

        def __init__(self, handle: int, mode: str) -> None:
            self.file = real(handle, mode)

        def __enter__(self) -> "Full":
            return self

        def __exit__(self, *error: object) -> None:
            self.file.close()

        def write(self, content: bytes) -> None:
            self.file.write(content[:10])
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("s2m.storage.os.fdopen", Full)
    with pytest.raises(S2MError, match=r"cannot write .* \(No space left on device\): free some space there") as error:
        resume(folder, letters).run()
    assert "\n" not in str(error.value)
    assert files(folder) == before
    with pytest.raises(S2MError, match="No space left on device"):
        Trainer(tiny(), tmp_path / "new", letters).run()
    assert files(tmp_path / "new") == {}
    monkeypatch.undo()
    resume(folder, letters).run()
    assert outcome(folder) == outcome(uninterrupted)


def test_a_finished_run_is_not_resumed(uninterrupted: Path, letters: Characters) -> None:
    with pytest.raises(S2MError, match="is finished: judge it with `s2m evaluate"):
        resume(uninterrupted, letters)


def test_a_damaged_state(letters: Characters, tmp_path: Path) -> None:
    Trainer(tiny(), tmp_path / "run", letters).run(until=2)
    path = tmp_path / "run" / "last.safetensors"
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(S2MError, match=r"last\.safetensors is damaged") as error:
        resume(tmp_path / "run", letters)
    assert "\n" not in str(error.value)


def test_a_run_folder_of_another_version(letters: Characters, tmp_path: Path) -> None:
    Trainer(tiny(), tmp_path / "run", letters).run(until=2)
    path = tmp_path / "run" / "config.json"
    path.write_text(path.read_text().replace('"format": 1', '"format": 0'))
    with pytest.raises(S2MError, match="version 0, this is version 1"):
        resume(tmp_path / "run", letters)
