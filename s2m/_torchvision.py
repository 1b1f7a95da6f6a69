"""Make `import torchvision` work beside a CPU-only torch.

torchvision's published binary is a CUDA build; beside a CPU-only torch its operators cannot be loaded, and its import
fails because it registers a Python rule for an operator that does not exist. Declaring the schema of the two operators
that it expects is enough for data sets, transforms and classification networks, which use neither.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
from pathlib import Path

import torch

SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"


def declare_missing_operators() -> None:
    """Load torchvision's operators; where its binary does not fit this torch, declare the two that its import needs."""
    spec = importlib.util.find_spec("torchvision")
    if spec is None or spec.origin is None:
        return
    folder = Path(spec.origin).parent
    finder = importlib.machinery.FileFinder(
        str(folder), (importlib.machinery.ExtensionFileLoader, importlib.machinery.EXTENSION_SUFFIXES)
    )
    binary = finder.find_spec("_C")
    if binary is not None and binary.origin is not None:
        try:
            torch.ops.load_library(binary.origin)
        except OSError:  # it links against CUDA libraries that a CPU-only torch does not bring
            pass
        else:
            return
    # Kept for the life of the process: the schemas go when their library object does.
    declare_missing_operators.library = torch.library.Library("torchvision", "DEF")  # type: ignore[attr-defined]
    for name in ("nms", "qnms"):
        declare_missing_operators.library.define(f"{name}{SCHEMA}")  # type: ignore[attr-defined]
