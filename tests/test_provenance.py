"""Where a result comes from."""

import json
import subprocess

import pytest
import torch

from s2m.provenance import git_commit, provenance


def test_provenance_says_where_a_result_comes_from() -> None:
    found = provenance(12.345, "cpu")
    assert found["seconds"] == 12.3
    assert found["torch"] == torch.__version__.split("+")[0] or found["torch"] == torch.__version__
    assert found["threads"] == torch.get_num_threads()
    assert {"commit", "device", "python", "system", "numpy", "scikit-learn", "safetensors"} <= set(found)
    assert all(value not in ("", None) for value in found.values())
    json.dumps(found)


def test_the_commit_or_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    assert git_commit()
    failed = subprocess.CompletedProcess([], 128, stdout="", stderr="fatal: detected dubious ownership")
    monkeypatch.setattr(subprocess, "run", lambda *args, **options: failed)
    assert git_commit() == "unknown"

    def absent(*args: object, **options: object) -> None:
        raise FileNotFoundError("git")

    monkeypatch.setattr(subprocess, "run", absent)
    assert git_commit() == "unknown"
