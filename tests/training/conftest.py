"""What the tests of training share: characters, and a run that nothing stopped."""

from pathlib import Path

import pytest
from short_runs import tiny

from s2m import Characters, generate_characters
from s2m.training import Trainer


@pytest.fixture(scope="module")
def letters() -> Characters:
    return generate_characters(classes=40, drawings=8)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory, letters: Characters) -> Path:
    """A run of `TINY` that nothing stopped."""
    folder = tmp_path_factory.mktemp("uninterrupted") / "run"
    Trainer(tiny(), folder, letters).run()
    return folder
