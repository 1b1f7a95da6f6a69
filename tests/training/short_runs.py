"""Trainings of seconds, and what they leave."""

import json
from pathlib import Path

from s2m.config import Config

# Few bins: of a few scores among 100 bins hardly any two would share one, and a step would change nothing.
TINY = {
    "task": "retrieval", "data": "generated", "embedding": "lenet", "components": 1, "learn_prior": True,
    "examples": 3, "relevant": 3, "irrelevant": 4, "tuples": 2, "steps": 6, "evaluate_every": 2,
    "bins": 5,
}  # fmt: skip


def tiny(**changes: object) -> Config:
    return Config(**{**TINY, **changes})  # type: ignore[arg-type]


def outcome(folder: Path) -> dict[str, object]:
    """All that a run leaves, but for how long it took."""
    log = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    for entry in log:
        assert entry.pop("seconds") >= 0
    weights = {name: (folder / f"{name}.safetensors").read_bytes() for name in ("embedding", "relevance")}
    return {"log": log, "config": (folder / "config.json").read_text(), **weights}


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
