"""One training loop for every method. Killed at any moment, it resumes to the same result."""

from __future__ import annotations

import json
import math
import time
from dataclasses import dataclass, field
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor
from tqdm import tqdm

from s2m.config import Config
from s2m.datasets import Characters
from s2m.errors import S2MError
from s2m.layer import RelevanceNet
from s2m.objective import Objective
from s2m.problems import PhotoData, load_problem
from s2m.provenance import provenance
from s2m.runs import (
    build_network,
    contiguous,
    is_finished,
    load_network,
    load_weights,
    read_run_config,
    read_tensors,
    save_config,
    save_network,
)
from s2m.storage import write_bytes, write_json


@dataclass
class Progress:
    """What a run must remember besides its weights."""

    step: int = 0
    best: float = -math.inf
    seconds: float = 0.0
    log: list[dict[str, float | None]] = field(default_factory=list)


class Trainer:
    """Trains the network of a config, in a run folder.

    The tuples of a step are a function of (seed, step), and all that changes is written after each evaluation, so a run
    that was killed goes on from its last evaluation and ends with the very weights it would have had.

    Args:
        config: what to train.
        folder: where; created if it is not there.
        data: the whole set, training, validation and test; None loads the config's data.
        device: "cpu" or "cuda".

    Raises:
        S2MError: a config that leaves nothing to learn, or whose init_from is not a run of the same embedding.
    """

    def __init__(
        self, config: Config, folder: Path, data: Characters | PhotoData | None = None, device: str = "cpu"
    ) -> None:
        self.config, self.folder, self.device = config, folder, device
        self.problem = load_problem(config, data)
        self.network = build_network(config).to(device)
        self.problem.begin(self.network)
        if config.init_from:
            donor = Path(config.init_from.replace("{seed}", str(config.seed)))
            its = read_run_config(donor)  # a folder that is no run says so
            fits = self.network.embedding
            if config.fine_tune and not its.fine_tune:
                fits = fits.head  # fine-tuning may go on from a head that was learned on cached descriptors
            load_weights(fits, donor / "embedding.safetensors")
        self.network.embedding.requires_grad_(not config.freeze_embedding)
        learned = [p for p in self.network.parameters() if p.requires_grad]
        if config.steps and not learned:
            raise S2MError("nothing is left to learn: set freeze_embedding = false, learn_prior = true, or steps = 0")
        self.objective = Objective(config).to(device)
        learned += [p for p in self.objective.parameters() if p.requires_grad]
        self.optimizer = torch.optim.Adam(learned or [torch.empty(0)], lr=config.learning_rate)  # steps = 0: of nothing
        self.progress = Progress()

    def run(self, until: int | None = None) -> RelevanceNet:
        """Train to the end, or to step `until`, evaluating on the way; returns the network of the best evaluation."""
        config, progress = self.config, self.progress
        end = min(config.steps, until or config.steps)
        if progress.step == 0:
            save_config(self.folder, config)
        if config.steps == 0:
            self.checkpoint(None)
        losses: list[float] = []
        began = time.monotonic() - progress.seconds
        with tqdm(
            total=config.steps, initial=progress.step, desc=self.folder.name, unit="step", mininterval=1.0
        ) as bar:
            while progress.step < end:
                losses.append(self.step())
                progress.step += 1
                bar.update()
                if progress.step % config.evaluate_every == 0 or progress.step == config.steps:
                    progress.seconds = time.monotonic() - began
                    self.checkpoint(sum(losses) / len(losses))
                    bar.set_postfix(
                        loss=f"{sum(losses) / len(losses):.4f}", validation=f"{progress.log[-1]['validation']:.4f}"
                    )
                    losses.clear()
        if progress.step == config.steps:
            (self.folder / "last.safetensors").unlink(missing_ok=True)
        return load_network(self.folder)

    def step(self) -> float:
        """One step of Adam on the tuples of this step; returns the loss."""
        config, network = self.config, self.network
        network.train()
        if config.freeze_embedding:
            network.embedding.eval()
        batch = self.problem.draw(self.progress.step)
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate()
        with torch.autocast(self.device.split(":")[0], torch.bfloat16, enabled=config.precision == "bfloat16"):
            descriptors = network.describe(batch.inputs.flatten(0, 1).to(self.device))
        descriptors = descriptors.unflatten(0, batch.inputs.shape[:2])
        examples, queries = descriptors[:, : config.examples], descriptors[:, config.examples :]
        loss = self.objective(network.relevance, examples, queries, batch.foreign.to(self.device))
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def rate(self) -> float:
        """The learning rate of this step."""
        if self.config.schedule == "constant":
            return self.config.learning_rate
        return self.config.learning_rate * (1 + math.cos(math.pi * self.progress.step / self.config.steps)) / 2

    def checkpoint(self, loss: float | None) -> None:
        """Evaluate, keep the network if it is the best so far, and write all that a resumed run needs."""
        progress = self.progress
        score = self.problem.validate(self.network)
        if score > progress.best:
            progress.best = score
            save_network(self.folder, self.network)
        progress.log.append(
            {"step": progress.step, "loss": loss, "validation": score, "seconds": round(progress.seconds, 1)}
        )
        write_json(self.folder / "provenance.json", provenance(progress.seconds, self.device))
        lines = "".join(json.dumps(entry) + "\n" for entry in progress.log)
        write_bytes(self.folder / "log.jsonl", lines.encode())
        tensors = {f"network.{name}": value for name, value in self.network.state_dict().items()}
        tensors |= {f"objective.{name}": value for name, value in self.objective.state_dict().items()}
        for index, state in self.optimizer.state_dict()["state"].items():
            tensors |= {f"adam.{index}.{name}": value for name, value in state.items()}
        remembered = {"progress": json.dumps(vars(progress))}
        # The last file to be written: whatever was killed before it is simply done again, with the same outcome.
        write_bytes(self.folder / "last.safetensors", safetensors.torch.save(contiguous(tensors), remembered))

    def restore(self) -> None:
        """Go back to the last checkpoint of the folder."""
        tensors, remembered = read_tensors(self.folder / "last.safetensors")
        for part in ("network", "objective"):
            values = {name[len(part) + 1 :]: value for name, value in tensors.items() if name.startswith(f"{part}.")}
            getattr(self, part).load_state_dict(values)
        state: dict[int, dict[str, Tensor]] = {}
        for name, value in tensors.items():
            if name.startswith("adam."):
                _, index, key = name.split(".")
                state.setdefault(int(index), {})[key] = value
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": state})
        self.progress = Progress(**json.loads(remembered["progress"]))


def resume(folder: Path, data: Characters | PhotoData | None = None, device: str = "cpu") -> Trainer:
    """The trainer of an unfinished run folder, at its last evaluation, or at the start if it had none.

    Raises:
        S2MError: not a run folder, one of another version, a finished run, or a damaged state.
    """
    config = read_run_config(folder)
    if is_finished(folder):
        raise S2MError(f"the run in {folder} is finished: judge it with `s2m evaluate {folder}`")
    trainer = Trainer(config, folder, data, device)
    if (folder / "last.safetensors").is_file():
        trainer.restore()
    return trainer
