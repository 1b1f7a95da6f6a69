"""The benchmark of the gradient runs, with or without the packages it compares with."""

import csv
import os
import subprocess
import sys
from pathlib import Path


def test_the_gradient_benchmark_runs(root: Path, tmp_path: Path) -> None:
    table = tmp_path / "gradient.csv"
    command = [sys.executable, "bench/gradient.py", "--quick", "--seconds", "0", "--out", str(table)]
    strict = {**os.environ, "PYTHONWARNINGS": "error"}  # in the processes that it starts, too
    done = subprocess.run(command, cwd=root, env=strict, capture_output=True, text=True)
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
