"""The same verbs for a shell: s2m train, s2m resume, s2m evaluate, s2m rank, s2m describe."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import torch
import typer

from s2m.backbones import load_backbone
from s2m.config import read_config
from s2m.datasets import load_photos
from s2m.descriptors import describe_photos
from s2m.errors import S2MError
from s2m.judging import TASKS, judge
from s2m.layer import Set2Model
from s2m.runs import load_run
from s2m.search import rank_folder
from s2m.training import Trainer, resume

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
Folder = Annotated[Path, typer.Argument(help="a run folder")]
Weights = Annotated[Path | None, typer.Option(help="a file of the backbone's weights, instead of the usual ones")]
Device = Annotated[str, typer.Option(help="cpu or cuda")]


def check_device(device: str) -> str:
    """A device that is there. Raises S2MError."""
    if device.split(":")[0] not in ("cpu", "cuda"):
        raise S2MError(f"there is no device {device!r}: give cpu or cuda")
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise S2MError("this machine has no CUDA device: leave --device out to train on the CPU")
    return device


@app.command()
def train(
    config: Annotated[Path, typer.Argument(help="a TOML file, see s2m.config")],
    out: Annotated[Path, typer.Option(help="the run folder to write")],
    seed: Annotated[int | None, typer.Option(help="replaces the config's seed")] = None,
    fine_tune: Annotated[
        bool,
        typer.Option("--fine-tune", help="as fine_tune = true: learn the backbone of photographs too, on a GPU"),
    ] = False,
    device: Device = "cpu",
) -> None:
    """Train a network; killed, it goes on with `s2m resume`."""
    if (out / "config.json").exists():
        raise S2MError(f"{out} holds a run already: go on with `s2m resume {out}`, or choose another folder")
    replaced: dict[str, object] = {} if seed is None else {"seed": seed}
    if fine_tune:
        replaced["fine_tune"] = True
    Trainer(read_config(config, **replaced), out, device=check_device(device)).run()


@app.command(name="resume")
def resume_run(folder: Folder, device: Device = "cpu") -> None:
    """Go on with a run that was killed; the result is the one it would have had."""
    resume(folder, device=check_device(device)).run()


@app.command()
def evaluate(
    folder: Folder, tasks: Annotated[int, typer.Option(min=2, help="N-way tasks to judge by")] = TASKS
) -> None:
    """Judge a run on the test characters; writes scores.json and prints it."""
    print(json.dumps(judge(folder, tasks=tasks), indent=2))


@app.command()
def rank(
    folders: Annotated[list[Path], typer.Argument(metavar="[RUN] EXAMPLES COLLECTION", help="no RUN with --backbone")],
    backbone: Annotated[str | None, typer.Option(help="rank photographs by a pretrained network as it is")] = None,
    weights: Weights = None,
    components: Annotated[int, typer.Option(min=1, help="Gaussians, with --backbone")] = 1,
) -> None:
    """Rank a folder of images by a folder of examples: relevance and path, the best first."""
    if len(folders) != (3 if backbone is None else 2):
        raise S2MError(f"{len(folders)} folders: give RUN EXAMPLES COLLECTION, or --backbone NAME EXAMPLES COLLECTION")
    network = Set2Model(load_backbone(backbone, weights), components) if backbone else load_run(folders[0])
    examples, collection = folders[-2:]
    for path, relevance in rank_folder(network, examples, collection):
        print(f"{relevance:.4f}\t{path}")


@app.command()
def describe(
    images: Annotated[
        str, typer.Argument(help="a set of photographs by name, or a folder with a folder for each class")
    ],
    out: Annotated[Path, typer.Option(help="the .npz to write")],
    backbone: Annotated[str, typer.Option(help="a pretrained network, see s2m.load_backbone")] = "efficientnet-lite0",
    weights: Weights = None,
    fast: Annotated[bool, typer.Option(help="in bfloat16")] = False,
    device: Device = "cpu",
) -> None:
    """Pass photographs through a pretrained network, once; killed, it goes on with the same line."""
    network = load_backbone(backbone, weights, fast).to(check_device(device))
    descriptors = describe_photos(load_photos(images), network)
    descriptors.save(out)
    print(
        f"{len(descriptors)} images of {len(descriptors.classes)} classes, {len(descriptors.skipped)} left out: {out}"
    )


def main() -> None:
    """Run the command line; a problem with the input is one line and exit status 1."""
    try:
        app()
    except S2MError as error:
        sys.exit(f"s2m: {error}")


if __name__ == "__main__":
    main()
