"""Where a result comes from: commit, versions, machine, time spent."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch


def provenance(seconds: float, device: str) -> dict[str, Any]:
    """Where a result comes from: commit, versions, machine, time spent."""
    packages = ("torch", "numpy", "scikit-learn", "safetensors")
    return {
        "commit": git_commit(),
        "seconds": round(seconds, 1),
        "device": torch.cuda.get_device_name() if device.startswith("cuda") else processor(),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        **{name: version(name) for name in packages},
    }


def git_commit() -> str:
    """The commit of the source tree, marked where tracked files differ from it; "unknown" where git cannot tell."""
    root = Path(__file__).resolve().parents[1]
    if not (root / ".git").exists():
        return "unknown"
    line = ["git", "-C", str(root), "describe", "--always", "--abbrev=12", "--dirty"]
    try:
        done = subprocess.run(line, capture_output=True, text=True, check=False)
    except FileNotFoundError:  # no git on this machine
        return "unknown"
    return done.stdout.strip() or "unknown"


def processor() -> str:
    """The processor's own name where the system tells it, and the number of cores."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{(names or [platform.processor() or platform.machine()])[0]}, {os.cpu_count()} cores"
