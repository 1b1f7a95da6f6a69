"""Weights from files, without running what a file says."""

from __future__ import annotations

import hashlib
import pickle
import re
import zipfile
from pathlib import Path

import numpy as np
import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from s2m.errors import S2MError

UNREADABLE = (OSError, RuntimeError, ValueError, KeyError, EOFError, pickle.UnpicklingError, zipfile.BadZipFile)


def sha256_of(path: Path) -> str:
    """sha256 (hex) of a file's content. Raises S2MError where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise S2MError(f"the weights {path} cannot be read ({error.strerror}): give a file of weights") from error


def checked_sha256(path: Path) -> str:
    """As `sha256_of`, and raises S2MError where a name that carries its hash (name-1a2b3c4d.pth) tells another."""
    found = sha256_of(path)
    told = re.search(r"-([0-9a-f]{8,64})\.[a-z]+$", path.name)
    if told and not found.startswith(told[1]):
        raise S2MError(f"{path} is damaged, its sha256 begins {found[:8]}: delete it and fetch it again")
    return found


def read_weights(path: Path) -> dict[str, Tensor]:
    """The tensors of a .safetensors, .npz or PyTorch file, float16 as float32.

    Nothing but tensors is read (`weights_only`, no pickled arrays). Raises S2MError on any other content.
    """
    try:
        if path.suffix == ".safetensors":
            state = safetensors.torch.load_file(path)
        elif path.suffix == ".npz":
            with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                # Caffe's name of a layer to torchvision's
                names = {name: name.replace("squeeze1x1", "squeeze") for name in arrays.files}
                state = {names[name]: torch.from_numpy(arrays[name]) for name in names}
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
    except (*UNREADABLE, safetensors.SafetensorError) as error:
        why = f"{type(error).__name__}: {error}".splitlines()[0]
        raise S2MError(f"{path} cannot be read as weights ({why}): fetch it again, or save a state_dict") from error
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise S2MError(f"{path} holds no table of weights: save the state_dict of a network")
    return {name: value.float() if value.dtype == torch.float16 else value for name, value in state.items()}


def fill(network: nn.Module, path: Path, name: str) -> nn.Module:
    """The network with the weights of a file. Raises S2MError where they do not fit."""
    try:
        network.load_state_dict(read_weights(path))
    except RuntimeError as error:
        raise S2MError(f"{path} does not hold the weights of {name}: give a file of that network") from error
    return network
