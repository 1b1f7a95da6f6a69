"""A file is whole or it is not there."""

import errno
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import s2m
from s2m import storage
from s2m.errors import S2MError
from s2m.storage import write_json, written_whole


def test_it_takes_its_name_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file"
    with written_whole(path, 5) as file:
        file.write(b"whole")
        assert not path.exists()
    assert path.read_bytes() == b"whole"
    assert [each.name for each in path.parent.iterdir()] == ["file"]


def test_an_error_in_the_middle_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def write() -> None:
        with written_whole(path, 5) as file:
            file.write(b"ne")
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(S2MError, match=r"No space left .*: free some space there"):
        write()
    assert path.read_bytes() == b"old"
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_no_room_is_found_out_before_writing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage.shutil, "disk_usage", lambda folder: type("Usage", (), {"free": 10})())
    with pytest.raises(S2MError, match="are needed: free some space"), written_whole(tmp_path / "file", 11):
        pytest.fail("nothing is to be written")
    assert not any(tmp_path.iterdir())


def test_killed_in_the_middle_it_leaves_no_half_file(tmp_path: Path) -> None:
    program = (
        # a bare package in place of s2m/__init__.py, which would import torch: seconds of waiting for nothing
        "import sys, types; sys.modules['s2m'] = package = types.ModuleType('s2m'); package.__path__ = [sys.argv[2]]\n"
        "import sys, os, signal, pathlib\n"
        "from s2m import storage\n"
        "with storage.written_whole(pathlib.Path(sys.argv[1]), 5) as file:\n"
        "    file.write(b'half'); file.flush(); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "file"), str(Path(s2m.__file__).parent)],
        cwd=Path(storage.__file__).parent,
        check=False,
    )
    assert ended.returncode == -signal.SIGKILL
    assert not (tmp_path / "file").exists()


def test_json_is_written_whole(tmp_path: Path) -> None:
    write_json(tmp_path / "new" / "x.json", {"a": [1, 2.5]})
    assert json.loads((tmp_path / "new" / "x.json").read_text()) == {"a": [1, 2.5]}
    with pytest.raises(TypeError):
        write_json(tmp_path / "new" / "x.json", object())
    assert json.loads((tmp_path / "new" / "x.json").read_text()) == {"a": [1, 2.5]}
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["x.json"]
