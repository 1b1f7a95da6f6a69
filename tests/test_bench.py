"""The benchmarks run, with or without the packages that the one of the gradient compares with."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest

STRICT = {**os.environ, "PYTHONWARNINGS": "error"}  # in the processes that a benchmark starts, too


def test_the_gradient_benchmark_runs(root: Path, tmp_path: Path) -> None:
    table = tmp_path / "gradient.csv"
    command = [sys.executable, "bench/gradient.py", "--quick", "--seconds", "0", "--out", str(table)]
    done = subprocess.run(command, cwd=root, env=STRICT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with table.open() as file:
        rows = {(row["task"], row["method"]): row for row in csv.DictReader(file) if row["size"] == "4"}
    for method in ("conjugate", "unrolled 100"):
        assert float(rows["gradient", method]["error"]) < 1e-6, "the same gradient as the exact one"
    assert float(rows["gradient", "exact"]["peak_mb"]) >= 0
    assert int(float(rows["fit", "scikit-learn"]["sets_above_s2m"])) == 0, "no set is better fitted by scikit-learn"
    for name in ("torchopt", "pomegranate"):
        timed = any(name in method for _, method in rows)
        assert timed != (f"{name} is not installed" in done.stderr), "skipped, and said so, or timed"


def test_the_benchmark_of_photographs_runs(root: Path, tmp_path: Path) -> None:
    table = tmp_path / "throughput.csv"
    command = [sys.executable, "bench/photos.py", "--quick", "--seconds", "0", "--out", str(table)]
    done = subprocess.run(command, cwd=root, env=STRICT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with table.open() as file:
        rows = list(csv.DictReader(file))
    tasks = {(row["task"], row["precision"]) for row in rows if row["device"] == "cpu"}
    assert tasks == {("decode", "uint8"), ("embed", "float32"), ("embed", "bfloat16"), ("rank", "float32")}
    for row in rows:
        assert float(row["low_s"]) <= float(row["median_s"]) <= float(row["high_s"])
        assert 0 < float(row["each_ms"]) == pytest.approx(1e3 * float(row["median_s"]) / int(row["number"]), abs=2e-3)
