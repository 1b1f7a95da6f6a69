"""Photographs a second through each backbone at hand, and the time to rank a large collection.

    python bench/photos.py            (a minute or two, on a quiet machine; writes results/tables/throughput.csv)
    python bench/photos.py --quick    (seconds, tiny sizes; writes nothing unless --out names a file)

Once with one thread and once with all, each in a process of its own; then photographs are decoded as `describe_photos`
does it, in one thread for each processor, 8 at most. SqueezeNet is at hand where $S2M_DATA/squeezenet holds its
weights, AlexNet where torch.hub has downloaded them.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image
from timing import machine, rounds_for, time_in_turns

from s2m.backbones import Backbone, load_backbone
from s2m.images import read_photo
from s2m.reading import read_ahead
from s2m.relevance import Likelihood
from s2m.storage import write_bytes

TABLE = Path(__file__).resolve().parent.parent / "results" / "tables" / "throughput.csv"
COLLECTION, SIZE, COMPONENTS, EXAMPLES = 100_000, 128, 4, 50
DIGITS = {"median_s": 6, "low_s": 6, "high_s": 6, "each_ms": 3, "per_second": 1}


def at_hand() -> dict[str, Path | None]:
    """The backbones whose weights are here, and the files."""
    squeezenet = Path(os.environ.get("S2M_DATA", "data")) / "squeezenet" / "squeezenet1_1_caffe_fp16.npz"
    alexnet = Path(torch.hub.get_dir()) / "checkpoints" / "alexnet-owt-7be5be79.pth"
    files = {"squeezenet1.1": squeezenet, "alexnet": alexnet}
    return {"efficientnet-lite0": None} | {name: path for name, path in files.items() if path.is_file()}


def decoding(backbone: Backbone, count: int) -> Callable[[], object]:
    """Decode and prepare a JPEG of 500 x 375 pixels of slow waves and noise, `count` times."""
    across, down = np.meshgrid(np.arange(500) / 40, np.arange(375) / 30)
    waves = 127 + 100 * np.stack([np.sin(across), np.cos(down), np.sin(across + down)], -1)
    pixels = waves + np.random.default_rng(0).normal(0, 8, waves.shape)
    file = io.BytesIO()
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(file, "JPEG", quality=85)
    threads = 1 if torch.get_num_threads() == 1 else None  # None: as many as `describe_photos` takes
    return lambda: list(read_ahead(lambda _: backbone.prepare(read_photo(file.getvalue())), range(count), threads))


def embedding(backbone: Backbone, count: int, device: str) -> Callable[[], object]:
    """Pass `count` prepared images through a network, and bring the features back."""
    images = torch.rand(count, 3, backbone.preparation.crop, backbone.preparation.crop, device=device)
    backbone.to(device)
    return lambda: backbone(images).cpu()


def ranking(collection: int, device: str) -> Callable[[], object]:
    """Fit a mixture to the examples, score the collection, and sort it."""
    draw = torch.Generator().manual_seed(0)
    centres = torch.randn(COMPONENTS, SIZE, generator=draw)
    examples = centres[torch.arange(EXAMPLES) % COMPONENTS] + torch.randn(EXAMPLES, SIZE, generator=draw)
    others = torch.randn(collection, SIZE, generator=draw)
    examples, others = (torch.nn.functional.normalize(each, dim=-1).to(device) for each in (examples, others))
    relevance = Likelihood(COMPONENTS).to(device)
    return lambda: relevance.fit(examples.unsqueeze(0))(others)[0].argsort(descending=True).cpu()


@torch.inference_mode()
def measure(quick: bool, seconds: float) -> list[dict[str, object]]:
    """A row for everything that is timed, with the threads that this process has."""
    count, collection = (1, 1000) if quick else (16, COLLECTION)
    rows = []

    def add(task: str, what: str, precision: str, device: str, number: int, call: Callable[[], object]) -> None:
        print(f"{task} {what} {precision} {device}", file=sys.stderr, flush=True)
        call()
        began = time.perf_counter()
        call()
        rounds = rounds_for(seconds, once=time.perf_counter() - began)
        timing = time_in_turns({"": call}, rounds, warm_up=0)[""]
        rows.append({
            "task": task, "what": what, "precision": precision, "device": device, "number": number, "rounds": rounds,
            "median_s": timing.median, "low_s": timing.low, "high_s": timing.high,
            "each_ms": 1e3 * timing.median / number, "per_second": number / timing.median,
            "threads": torch.get_num_threads(), "machine": machine(),
        })  # fmt: skip

    devices = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
    for name, weights in at_hand().items():
        for precision in ("float32", "bfloat16"):
            backbone = load_backbone(name, weights, fast=precision == "bfloat16")
            if precision == "float32":
                add("decode", name, "uint8", "cpu", count, decoding(backbone, count))
            for device in devices:
                add("embed", name, precision, device, count, embedding(backbone, count, device))
    what = f"{collection} of {SIZE} numbers, k = {COMPONENTS}, {EXAMPLES} examples"
    for device in devices:
        add("rank", what, "float32", device, 1, ranking(collection, device))
    return rows


def measured(threads: int, seconds: float) -> list[dict[str, object]]:
    """The rows of a process with so many threads, which the environment tells: set_num_threads can hang MKL."""
    command = [sys.executable, __file__, "--measure", "--seconds", str(seconds)]
    variables = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    return json.loads(subprocess.run(command, env=variables, check=True, stdout=subprocess.PIPE).stdout)


def main() -> None:
    """Measure with one thread and with all, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="tiny sizes, in this process, to see that it runs")
    parser.add_argument("--seconds", type=float, default=8.0, help="about how long each thing is timed")
    parser.add_argument("--out", type=Path, help="the table; results/tables/throughput.csv unless --quick")
    parser.add_argument("--measure", action="store_true", help="print the rows of this process as JSON, and no more")
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(measure(False, arguments.seconds)))
        return
    load = os.getloadavg()[0]  # before we add to it
    note = f"not a quiet machine: load average {load:.1f} before it began" if load > 1 else ""
    if arguments.quick:
        rows = measure(True, arguments.seconds)
    else:
        rows = [row for threads in sorted({1, os.cpu_count() or 1}) for row in measured(threads, arguments.seconds)]
    table = pd.DataFrame(rows).round(DIGITS).assign(note=note)
    print(table[["task", "what", "precision", "device", "threads", "each_ms", "per_second"]].to_string(index=False))
    out = arguments.out or (None if arguments.quick else TABLE)
    if out:
        write_bytes(out, table.to_csv(index=False).encode())
    print(f"written to {out}" if out else "written nowhere: give --out a name")


if __name__ == "__main__":
    main()
