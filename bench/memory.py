"""Peak memory of one gradient, each in a process of its own: what a process has once held hides what it needs next."""

from __future__ import annotations

import ctypes
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from settings import Setting
from ways import Gradients


def high_water() -> float:
    """The most memory this process has held so far, in MB."""
    status = Path("/proc/self/status")
    if status.is_file():  # ru_maxrss of a child counts its parent's memory too
        return int(status.read_text().split("VmHWM:")[1].split()[0]) * 1024 / 1e6
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6  # in bytes on macOS


def peak(setting: Setting, method: str) -> float:
    """MB that one forward and backward holds at most; called in a process of its own."""
    Gradients(Setting(1, 8, 2, 2))(method)  # what is loaded at a first call is not counted
    run = Gradients(setting)
    if Path("/proc/self/clear_refs").is_file():  # Linux: give back what the search for a start held, and forget it
        ctypes.CDLL(None).malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5")
    before = high_water()
    run(method)
    return high_water() - before


def in_own_process(setting: Setting, method: str) -> float:
    """`peak`, from a process forked from one that has nothing but the imports."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["torch", "s2m", "sklearn.mixture"])
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(peak, setting, method).result()
