"""Complete every run of results/*/*.toml, judge it, and rebuild the tables. Interrupted, it goes on where it was.

    python results/make.py [--only omniglot_retrieval] [--device cuda]

A run that is finished and judged is left alone; delete its folder to make it anew.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from tables import write_tables

from s2m.config import Config, read_config
from s2m.judging import judge
from s2m.training import Trainer, is_finished, resume

RESULTS = Path(__file__).parent
SEEDS = (0, 1, 2)  # of every method; fixed before any run was judged


def planned(only: str | None) -> list[tuple[Path, Config]]:
    """Run folders and their configs, those that others take their embedding from first."""
    runs = []
    for path in sorted(RESULTS.glob("*/*.toml")):
        if only in (None, path.parent.name):
            runs += [(path.with_suffix("") / f"seed-{seed}", read_config(path, seed=seed)) for seed in SEEDS]
    return sorted(runs, key=lambda run: (run[1].init_from is not None, run[1].seed))


def complete(folder: Path, config: Config, device: str) -> None:
    """Bring one run to its end and judge it."""
    if not is_finished(folder):
        began = (folder / "config.json").exists()
        (resume(folder, device=device) if began else Trainer(config, folder, device=device)).run()
    if not (folder / "scores.json").exists():
        judge(folder)


def main() -> None:
    """Parse the command line and do all that is left to do."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", help="one experiment, a folder of results/")
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    runs = planned(arguments.only)
    for index, (folder, config) in enumerate(runs, 1):
        print(f"[{index}/{len(runs)}] {folder.relative_to(RESULTS)}", flush=True)
        complete(folder, config, arguments.device)
    write_tables(RESULTS)


if __name__ == "__main__":
    main()
