"""The programs of results/: all of them are run by `make results`, and end in one line where something is missing."""

import importlib
import re
from pathlib import Path

import copies
import pytest


@pytest.fixture
def programs(root: Path) -> list[str]:
    """Their names, in the order of the Makefile."""
    rule = (root / "Makefile").read_text().partition("\nresults:")[2].partition("\n\n")[0]
    return re.findall(r"results/(\w+)\.py", rule)


def test_make_runs_all_of_them(root: Path, programs: list[str]) -> None:
    """Samples after the runs whose weights they are made with, and before the tables that are made from them."""
    found = {path.stem for path in (root / "results").glob("*.py") if "\ndef main(" in path.read_text()}
    assert set(programs) == found
    assert programs.index("make") < programs.index("samples") < programs.index("web_queries")


def test_each_ends_in_one_line(programs: list[str]) -> None:
    for name in programs:
        assert hasattr(importlib.import_module(name).main, "__wrapped__"), f"{name} lacks @exit_status"


def test_no_photographs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(copies, "RESULTS", tmp_path)
    monkeypatch.setenv("S2M_DATA", str(tmp_path))
    assert copies.main() == 1
    line = capsys.readouterr().err
    assert "google_web.zip" in line
    assert "get it with `python data_scripts/google_web.py`" in line
    assert line.count("\n") == 1
