"""Weights are tensors and nothing else, and a damaged file is told."""

import hashlib
import pickle
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import nn

from s2m import S2MError
from s2m.backbones.weights import checked_sha256, fill, read_weights


class Spy:
    """Unpickled, it would leave a mark."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (Path.touch, (Path("mark"),))


def test_three_formats(tmp_path: Path) -> None:
    state = {"weight": torch.tensor([[1.0, 2.0]]), "bias": torch.tensor([0.5], dtype=torch.float16)}
    torch.save(state, tmp_path / "a.pth")
    safetensors.torch.save_file(state, tmp_path / "a.safetensors")
    np.savez(tmp_path / "a.npz", **{name: value.numpy() for name, value in state.items()})
    for name in ("a.pth", "a.safetensors", "a.npz"):
        read = read_weights(tmp_path / name)
        assert {key: value.tolist() for key, value in read.items()} == {"weight": [[1.0, 2.0]], "bias": [0.5]}
        assert all(value.dtype == torch.float32 for value in read.values())
        fill(nn.Linear(2, 1), tmp_path / name, "line")
        with pytest.raises(S2MError, match=r"a\.\w+ does not hold the weights of plane: give a file of that network"):
            fill(nn.Linear(3, 1), tmp_path / name, "plane")


def test_pickled_objects_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"weight": Spy()}, tmp_path / "a.pth")
    (tmp_path / "b.pth").write_bytes(pickle.dumps(Spy(), protocol=2))
    np.savez(tmp_path / "c.npz", weight=np.array([Spy()], dtype=object))
    for name in ("a.pth", "b.pth", "c.npz"):
        with pytest.raises(S2MError, match="cannot be read as weights") as error:
            read_weights(tmp_path / name)
        assert "\n" not in str(error.value)
    assert not Path("mark").exists()


@pytest.mark.parametrize("suffix", ["pth", "npz", "safetensors"])
@pytest.mark.parametrize("content", [b"", b"no weights", b"PK\x03\x04 no weights", bytes(5000)])
def test_damage_is_told_in_one_line(tmp_path: Path, suffix: str, content: bytes) -> None:
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(content)
    with pytest.raises(S2MError, match=r"a\.\w+ cannot be read as weights .*: fetch it again") as error:
        read_weights(path)
    assert "\n" not in str(error.value)


def test_a_file_of_something_else(tmp_path: Path) -> None:
    torch.save([torch.zeros(2)], tmp_path / "list.pth")
    torch.save({"state": {"weight": torch.zeros(2)}}, tmp_path / "nested.pth")
    for name in ("list.pth", "nested.pth"):
        with pytest.raises(S2MError, match="holds no table of weights: save the state_dict"):
            read_weights(tmp_path / name)


def test_a_name_that_carries_its_hash(tmp_path: Path) -> None:
    content = b"weights"
    right = hashlib.sha256(content).hexdigest()
    for name in (f"net-{right[:8]}.pth", f"net-{right}.pth", "net-v2.pth"):
        (tmp_path / name).write_bytes(content)
        assert checked_sha256(tmp_path / name) == right
    (tmp_path / "net-0123abcd.pth").write_bytes(content)
    with pytest.raises(S2MError, match=rf"is damaged, its sha256 begins {right[:8]}: delete it and fetch it again"):
        checked_sha256(tmp_path / "net-0123abcd.pth")
    with pytest.raises(S2MError, match=r"missing.pth cannot be read \(No such file"):
        checked_sha256(tmp_path / "missing.pth")
