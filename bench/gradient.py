"""Time and peak memory of the gradient through a mixture fit, against other ways; and of the fit against other EMs.

    python bench/gradient.py            (minutes, on a quiet machine; writes results/tables/gradient.csv)
    python bench/gradient.py --quick    (seconds, tiny sizes; writes nothing unless --out names a file)

Every method of a setting starts from the same mixture and is timed in turns with the others, in one process; once with
one thread and once with all, each in a process of its own. A gradient is timed from the descriptors to their gradient:
the fit, and the way back. Unrolling needs no fit, so it is timed without one. The chapter "What the gradient costs"
shows the table.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd

from s2m.storage import write_bytes

HERE = Path(__file__).parent
TABLE = HERE.parent / "results" / "tables" / "gradient.csv"
SHOWN = ["task", "method", "sets", "examples", "size", "components", "threads"]
SHOWN += ["ratio", "median_s", "backward_ratio", "peak_mb"]
DIGITS = dict.fromkeys(("ratio", "backward_ratio", "peak_mb"), 2) | {"log_likelihood": 8}
DIGITS |= dict.fromkeys(("median_s", "low_s", "high_s", "backward_s", "backward_low_s", "backward_high_s"), 6)


def measured(threads: int, quick: bool, seconds: float) -> list[dict[str, object]]:
    """The rows of a process with so many threads; other sizes than the base, and memory, with one thread only."""
    command = [sys.executable, HERE / "measure.py", "--seconds", str(seconds)]
    command += ["--quick"] if quick else []
    command += ["--sweep"] if threads == 1 else []
    # Threads are told by the environment: torch.set_num_threads can hang MKL (pytorch #142815). NUMBA: pomegranate's.
    variables = {**os.environ, "OMP_NUM_THREADS": str(threads), "NUMBA_NUM_THREADS": str(threads)}
    return json.loads(subprocess.run(command, env=variables, check=True, stdout=subprocess.PIPE).stdout)


def main() -> None:
    """Measure with one thread and with all, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="tiny sizes and one thread, to see that it runs")
    parser.add_argument("--seconds", type=float, default=8.0, help="about how long each setting is timed")
    parser.add_argument("--out", type=Path, help="the table; results/tables/gradient.csv unless --quick")
    arguments = parser.parse_args()
    out = arguments.out or (None if arguments.quick else TABLE)
    load = os.getloadavg()[0]  # before we add to it
    note = f"not a quiet machine: load average {load:.1f} before it began" if load > 1 else ""
    rows: list[dict[str, object]] = []
    for threads in (1,) if arguments.quick else sorted({1, os.cpu_count() or 1}):
        rows += measured(threads, arguments.quick, arguments.seconds)
        table = pd.DataFrame(rows).round(DIGITS).assign(note=note)  # no more digits than they are good for
        if out:  # after each part, so that what is measured is kept
            write_bytes(out, table.to_csv(index=False).encode())
    print(table[SHOWN].to_string(index=False, na_rep=""))
    print(f"written to {out}" if out else "written nowhere: give --out a name")


if __name__ == "__main__":
    main()
