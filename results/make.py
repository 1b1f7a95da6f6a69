"""Complete every run of results/*/*.toml and results/photos.toml, judge it, and rebuild the tables.

Interrupted, it goes on where it was.

    python results/make.py [--only omniglot_retrieval] [--device cuda] [--weights]

A run that is finished and judged is left alone; delete its folder to make it anew. Weights that are not kept, and that
another run or, with --weights, a table needs, are trained again.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tomllib
from pathlib import Path

from tables import write_tables
from weights import FILES, PHOTO_SEEDS, are_needed, has_weights

from s2m.config import Config, make_config, read_config
from s2m.ending import exit_status
from s2m.errors import S2MError
from s2m.judging import judge
from s2m.runs import is_finished, read_run_config
from s2m.storage import write_bytes
from s2m.training import Trainer, resume

RESULTS = Path(__file__).parent
SEEDS = 3  # of every method, from 0 on; fixed before any run was judged
MORE = 5  # beside published figures, and on the official alphabets; fixed before seeds 3 and 4 were trained
WITH_MORE = (
    "omniglot_classification",
    "omniglot_softmax",
    "omniglot_official",
    "omniglot_retrieval",
    "omniglot_retrieval_own",
)
SAME = 1e-4  # of mean average precision: the last digit of a table. On the machine of the stored runs nothing differs


def planned(only: str | None) -> list[tuple[Path, Config]]:
    """Run folders and their configs: drawings first, and those first that others take their embedding from."""
    runs = [
        (path.with_suffix("") / f"seed-{seed}", read_config(path, seed=seed))
        for path in sorted(RESULTS.glob("*/*.toml"))
        for seed in range(MORE if path.parent.name in WITH_MORE else SEEDS)
    ]
    runs += grid(RESULTS / "photos.toml")
    runs = [run for run in runs if only in (None, run[0].parts[-3])]
    return sorted(runs, key=lambda run: (run[1].of_photos, run[1].init_from is not None, run[1].seed))


def grid(path: Path) -> list[tuple[Path, Config]]:
    """The runs of a file with methods and collections, each method on each collection."""
    values = tomllib.loads(path.read_text(encoding="utf-8"))
    runs = []
    for collection, its in values["collections"].items():
        for method, own in values["methods"].items():
            merged = {**values["common"], **its, **own}
            if "init_from" in merged:
                merged["init_from"] = merged["init_from"].replace("{collection}", collection)
            folder = path.parent / f"{path.stem}_{collection}" / method
            runs += [
                (folder / f"seed-{seed}", make_config({**merged, "seed": seed}, f"{path}, {method} on {collection}"))
                for seed in PHOTO_SEEDS
            ]
    return runs


def complete(folder: Path, config: Config, device: str) -> None:
    """Bring one run to its end and judge it."""
    if not is_finished(folder):
        if config.init_from:
            restore(Path(config.init_from.replace("{seed}", str(config.seed))), device)
        began = (folder / "config.json").exists()
        (resume(folder, device=device) if began else Trainer(config, folder, device=device)).run()
    if not (folder / "scores.json").exists():
        judge(folder)


def restore(folder: Path, device: str) -> None:
    """Give a judged run the weights that are not kept, by training it again in a folder beside it.

    Raises S2MError where it is judged otherwise than it was; then all stays as it is.
    """
    scores = folder / "scores.json"
    if has_weights(folder) or not scores.is_file():
        return
    again = folder.with_name(f"again-{folder.name}")
    complete(again, read_run_config(folder), device)
    stored, found = (json.loads(path.read_text()) for path in (scores, again / "scores.json"))
    apart = max(abs(found[name]["mean"] - each["mean"]) for name, each in stored.items() if isinstance(each, dict))
    if apart > SAME:
        raise S2MError(
            f"{again} scores {apart:.4f} from {folder}, which another machine or version may have trained: delete it, "
            "or put it in the place of that run and make all tables anew"
        )
    for name in FILES:
        write_bytes(folder / name, (again / name).read_bytes())
    shutil.rmtree(again)


@exit_status
def main() -> None:
    """Parse the command line and do all that is left to do."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", help="one experiment, a folder of results/")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--weights", action="store_true", help="train again what a table needs the weights of")
    arguments = parser.parse_args()
    runs = planned(arguments.only)
    for index, (folder, config) in enumerate(runs, 1):
        print(f"[{index}/{len(runs)}] {folder.relative_to(RESULTS)}", flush=True)
        complete(folder, config, arguments.device)
        if arguments.weights and are_needed(folder):
            restore(folder, arguments.device)
    write_tables(RESULTS)


if __name__ == "__main__":
    sys.exit(main())
