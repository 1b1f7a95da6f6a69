"""torchvision imports beside any torch, whichever of the two is a CUDA build."""

import importlib.util
import subprocess
import sys

import pytest
import torch

from s2m import _torchvision

USE = """
import s2m
import torch, torchvision
from torchvision.transforms.v2 import functional
from torchvision.models import squeezenet1_1
image = functional.resize(torch.rand(3, 64, 64), [32, 32], antialias=True)
with torch.no_grad():
    print(tuple(squeezenet1_1(weights=None).eval()(image.unsqueeze(0)).shape))
print(hasattr(torch.ops.torchvision, "nms"))
"""


def test_transforms_and_classification_networks_work_after_s2m() -> None:
    """In a process of its own, since this one has imported torchvision already; with warnings as errors."""
    done = subprocess.run([sys.executable, "-W", "error", "-c", USE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["(1, 1000)", "True"]


def test_a_binary_that_fits_is_loaded_and_nothing_is_declared(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = []
    monkeypatch.setattr(torch.ops, "load_library", loaded.append)
    monkeypatch.setattr(torch.library, "Library", lambda *_: pytest.fail("the real operators are there"))
    _torchvision.declare_missing_operators()
    assert len(loaded) == 1
    assert "_C" in loaded[0]


def test_without_torchvision_there_is_nothing_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(torch.ops, "load_library", lambda path: pytest.fail("nothing is there to load"))
    _torchvision.declare_missing_operators()
