"""Descriptors that are judged as they are, on made-up ones."""

import numpy as np
import prelearned
import pytest
import torch

from s2m.problems import PhotoData
from s2m.problems.photo_data import Part
from s2m.problems.photo_sets import by_class


def part(classes: int, seed: int) -> Part:
    """Classes of 30 around centres of their own, and 20 foreign ones."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(classes), 30)
    values = np.concatenate([rng.normal(size=(classes, 8))[labels], rng.normal(size=(20, 8))])
    values += 0.5 * rng.normal(size=values.shape)
    names = tuple(map(str, range(classes)))
    strangers = np.arange(len(labels), len(values))
    return Part(torch.from_numpy(values).float(), labels, names, by_class(labels, classes), strangers)


@pytest.mark.parametrize(("layer", "densities"), [("pca", 2), ("outputs", 5)])
def test_a_row_a_method_seed_and_class(monkeypatch: pytest.MonkeyPatch, layer: str, densities: int) -> None:
    data = PhotoData({name: part(4, i) for i, name in enumerate(("train", "validation", "test"))}, "made up", {})
    monkeypatch.setattr(prelearned, "load_photo_data", lambda config: data)
    monkeypatch.setattr(prelearned, "PHOTO_SEEDS", (0, 1))
    found = prelearned.judged("flowers102", layer)
    components = list(prelearned.COMPONENTS)[:densities]
    assert len(found) == (3 + densities) * 2 * 4
    assert list(found.method.unique()) == ["NN-PL", "SVM-PL", "AVG-PL", *components]
    assert found["clean stepwise"].between(0, 1).all()
    priors = found.groupby("method").prior.unique()
    known = {"strength {}, variance {} / n".format(*each) for each in prelearned.PRIORS}
    assert all(len(priors[name]) == 1 and priors[name][0] in known for name in components)
    assert priors["AVG-PL"][0] == ""
    means = found.groupby("method")["clean stepwise"].mean()
    assert (means > 0.4).all()  # chance is about 1 / 4


def test_principal_components_keep_what_varies_most(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them keep every distance; one of them keeps more of the variance than any other direction."""
    data = PhotoData({name: part(4, i) for i, name in enumerate(("train", "test"))}, "made up", {})
    data.web["a/top"] = data.parts["test"].values[:3], 0
    monkeypatch.setattr(prelearned, "HEAD_SIZE", 8)  # eight numbers have no more than eight components
    found = prelearned.projected(data, "pca", seed=0)
    before, after = (
        (values.unsqueeze(1) - values).norm(dim=2) for values in (each.parts["test"].values for each in (data, found))
    )
    torch.testing.assert_close(after, before, rtol=1e-4, atol=1e-4)  # float32
    train = found.parts["train"]
    spread = train.values[: len(train.labels)].var(0)
    assert (spread[:-1] >= spread[1:]).all()
    assert torch.equal(found.web["a/top"][0], found.parts["test"].values[:3])


def test_random_projections_depend_on_the_seed_and_roughly_keep_lengths(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(prelearned, "HEAD_SIZE", 4000)  # many axes: lengths come close
    data = PhotoData({name: part(4, i) for i, name in enumerate(("train", "test"))}, "made up", {})
    once, again, other = (prelearned.projected(data, "random", seed).parts["test"].values for seed in (0, 0, 1))
    assert torch.equal(once, again)
    assert not torch.equal(once, other)
    ratio = once.norm(dim=1) / data.parts["test"].values.norm(dim=1)
    # chi-square with 4000 degrees: a standard deviation of sqrt(1 / 8000) about sqrt(4000); five of them
    torch.testing.assert_close(ratio / 4000**0.5, torch.ones_like(ratio), rtol=5 / 8000**0.5, atol=0)


def test_features_and_outputs_stay_as_they_are() -> None:
    data = PhotoData({name: part(4, i) for i, name in enumerate(("train", "test"))}, "made up", {})
    assert all(prelearned.projected(data, layer, seed=0) is data for layer in ("features", "outputs"))
