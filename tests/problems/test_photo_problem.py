"""Retrieval among photographs: what a step draws, and rankings against scikit-learn, one concept set at a time."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.decomposition import PCA
from sklearn.metrics import average_precision_score
from torch import nn

from s2m import RelevanceNet, S2MError, generate_characters
from s2m.backbones import Head
from s2m.config import Config
from s2m.episodes import generator
from s2m.judging import judge
from s2m.problems import PhotoData, PhotoProblem, load_problem
from s2m.problems.photo_data import Part
from s2m.problems.photo_sets import by_class, draw_set
from s2m.problems.photos import CONDITIONS, DRAWS, begin_at_components, rank
from s2m.relevance import Average, Likelihood, Nearest, SupportVectors
from s2m.training import Trainer, resume

SIZE = 1280  # of the backbone's features
TINY = {
    "task": "retrieval", "data": "flowers102", "embedding": "head", "relevance": "average", "examples": 6,
    "relevant": 4, "irrelevant": 5, "tuples": 3, "negatives": "batch", "steps": 30, "evaluate_every": 10,
    "precision": "float32",
}  # fmt: skip


def tiny(**changes: object) -> Config:
    return Config(**{**TINY, **changes})  # type: ignore[arg-type]


def part(classes: int, seed: int) -> Part:
    """Classes of 12 to 14 images around a centre of their own, in noise; eight foreign images."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(classes), [12 + index % 3 for index in range(classes)])
    centres = rng.normal(size=(classes, SIZE))
    values = np.concatenate([centres[labels], rng.normal(size=(8, SIZE))])
    values += 5 * rng.normal(size=values.shape)
    names = tuple(f"class {index}" for index in range(classes))
    strangers = np.arange(len(labels), len(values))
    return Part(torch.from_numpy(values).float(), labels, names, by_class(labels, classes), strangers)


@pytest.fixture(scope="module")
def data() -> PhotoData:
    parts = {"train": part(8, 0), "validation": part(4, 1), "test": part(5, 2)}
    test = parts["test"]
    web = {
        "thing/top": (test.values[test.members[1][:7]] + 0.1, 1),
        "thing/photo": (test.values[test.members[1][:5]] + 0.1, 1),
        "other/photo": (test.values[test.members[3][:6]] + 0.1, 3),
        "other/top": (test.values[test.members[3][:9]] + 0.1, 3),
    }
    return PhotoData(parts, "made-up photographs", web)


def plain(relevance: nn.Module) -> RelevanceNet:
    return RelevanceNet(nn.Identity(), relevance)


# What a step draws ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("changes", [{}, {"noise": 0.5}, {"noise": 0.5, "two_meanings": 1.0}], ids=str)
def test_tuples(data: PhotoData, changes: dict[str, float]) -> None:
    """Every descriptor is found again among the images, so that what was drawn is known."""
    train = data.parts["train"]
    place = {value.numpy().tobytes(): index for index, value in enumerate(train.values)}
    shares = []
    for step in range(20):
        batch = PhotoProblem(tiny(**changes), data).draw(step)
        assert batch.inputs.shape == (3, 6 + 4 + 5, SIZE)
        places = np.array([[place[value.numpy().tobytes()] for value in row] for row in batch.inputs])
        queries = places[:, 6:]
        assert queries.max() < len(train.labels)  # what is asked is of the collection
        meant = [set(train.labels[row[:4]]) for row in queries]
        for concept, row, asked, foreign in zip(meant, places, queries, batch.foreign):
            assert len(concept) == (2 if changes.get("two_meanings") else 1)
            assert not concept & set(train.labels[asked[4:]])
            assert len(set(row)) == len(row)
            own = [index < len(train.labels) and train.labels[index] in concept for index in row[:6]]
            shares.append(1 - np.mean(own))
            np.testing.assert_array_equal(foreign, [label not in concept for label in train.labels[queries.ravel()]])
    if changes == {"noise": 0.5}:
        assert min(shares) == 0
        assert max(shares) == 0.5
    else:
        assert set(shares) == {0}


def test_foreign_images_are_strangers_and_of_other_classes(data: PhotoData) -> None:
    train = data.parts["train"]
    place = {value.numpy().tobytes(): index for index, value in enumerate(train.values)}
    problem = PhotoProblem(tiny(noise=1.0), data)
    outside = [
        place[value.numpy().tobytes()] >= len(train.labels)
        for step in range(30)
        for row in problem.draw(step).inputs[:, :6]
        for value in row
    ]
    # A set holds half foreign images on average, and half of these are strangers: 540 in all, 135 of them strangers.
    assert 90 < sum(outside) < 180


def test_a_step_is_a_function_of_the_seed(data: PhotoData) -> None:
    first, again, other = (PhotoProblem(tiny(noise=0.5, seed=seed), data).draw(7).inputs for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_classes_with_too_few_images(data: PhotoData) -> None:
    with pytest.raises(S2MError, match="6 images of a class are left to be found and relevant is 7: ask for fewer"):
        _ = [PhotoProblem(tiny(relevant=7), data).draw(step) for step in range(20)]


# How it is judged -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("relevance", [Average(), Nearest(), Likelihood(2)], ids=lambda each: type(each).__name__)
def test_rankings_against_scikit_learn(data: PhotoData, relevance: nn.Module) -> None:
    test = data.parts["test"]
    sets = [
        draw_set(generator(0, "set", concept), test.members, concept, 6, foreign, test.strangers, meanings)
        for concept in range(5)
        for foreign, meanings in ((0, 1), (3, 1), (0, 2))
    ]
    values = nn.functional.normalize(test.values, dim=1)
    found = rank(values, len(test.labels), relevance, sets)["stepwise"]
    for precision, each in zip(found, sets):
        scores = relevance(values[each.examples][None], values[: len(test.labels)])[0].numpy()
        asked = ~np.isin(np.arange(len(test.labels)), each.unranked)
        truth = np.isin(np.arange(len(test.labels)), each.relevant)
        # Scores of one set alone and of fifteen at once differ by rounding; no two scores are that close.
        assert precision == pytest.approx(average_precision_score(truth[asked], scores[asked]), abs=1e-6)


def test_judging(data: PhotoData) -> None:
    """A row a class; noise and a second meaning make it worse for a mean; web queries where there are some."""
    found = PhotoProblem(tiny(), data).judge(plain(Average()))
    assert list(found["class"]) == list(data.parts["test"].classes)
    means = found.select_dtypes("number").mean()
    assert means["clean stepwise"] > means["30 % foreign stepwise"] > means["60 % foreign stepwise"]
    assert means["clean stepwise"] > means["two meanings stepwise"]
    assert list(found["web top stepwise"].notna()) == [False, True, False, True, False]
    assert list(found["web photo stepwise"].notna()) == [False, True, False, True, False]
    pd.testing.assert_frame_equal(found, PhotoProblem(tiny(), data).judge(plain(Average())))
    assert not found.equals(PhotoProblem(tiny(seed=1), data).judge(plain(Average())))


def test_a_web_query_against_scikit_learn(data: PhotoData) -> None:
    test, (images, concept) = data.parts["test"], data.web["other/top"]
    values = nn.functional.normalize(test.values[: len(test.labels)], dim=1)
    scores = Average()(nn.functional.normalize(images, dim=1)[None], values)[0]
    found = PhotoProblem(tiny(), data).judge_web(plain(Average()))
    expected = average_precision_score(test.labels == concept, scores.numpy())
    assert found.loc["class 3", "web top stepwise"] == pytest.approx(expected, abs=1e-12)  # the same scores


def test_validation_is_of_what_is_trained_for(data: PhotoData) -> None:
    network = plain(Average())
    clean, impure = (PhotoProblem(tiny(noise=noise), data).validate(network) for noise in (0.0, 0.6))
    assert clean > impure
    found = PhotoProblem(tiny(), data).judge_part(network, "validation", list(CONDITIONS), draws=3)
    assert clean == pytest.approx(found["clean stepwise"].mean())
    assert impure == pytest.approx(np.mean([found[f"{name} stepwise"].mean() for name in CONDITIONS]))


def test_an_svm_gets_images_of_the_training_classes(data: PhotoData) -> None:
    config = tiny(relevance="svm", embedding="identity", steps=0)
    network = plain(SupportVectors(C=2.0))
    machine = PhotoProblem(config, data).with_negatives(network)
    assert isinstance(machine, SupportVectors)
    assert machine.C == 2
    train = data.parts["train"]
    known = nn.functional.normalize(train.values[: len(train.labels)], dim=1)
    assert machine.negatives.shape == (12, SIZE)
    assert all((known == negative).all(1).any() for negative in machine.negatives)
    found = PhotoProblem(config, data).judge(network)
    assert found["clean stepwise"].mean() > 0.5  # chance is about 1 / 5


def test_a_head_that_begins_at_principal_components(data: PhotoData, tmp_path: Path) -> None:
    """Against scikit-learn; its first weights are the problem's, not chance, and a resumed run does not begin again."""
    train = data.parts["train"]
    features = train.values[: len(train.labels)]
    head = Head(SIZE, 16)
    begin_at_components(head, features)
    found = head(features).detach().numpy()
    pca = PCA(16, svd_solver="full").fit(features.numpy())
    expected = pca.transform(features.numpy()) / np.sqrt(pca.singular_values_)
    factor = np.abs(found).sum() / np.abs(expected).sum()  # one for all; signs are free
    np.testing.assert_allclose(np.abs(found), factor * np.abs(expected), atol=1e-3)  # float32
    assert np.linalg.norm(found, axis=1).mean() == pytest.approx(4, rel=1e-5)
    config = tiny(start="components", steps=4, evaluate_every=2)
    with pytest.raises(S2MError, match='103 images have no 128 components: set start = "random", or take more'):
        Trainer(config, tmp_path / "few", data)
    data = PhotoData({**data.parts, "train": part(11, 0)}, data.source, data.web)
    Trainer(config, tmp_path / "whole", data).run()
    Trainer(config, tmp_path / "parts", data).run(until=3)
    resume(tmp_path / "parts", data).run()
    name = "embedding.safetensors"
    assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "parts" / name).read_bytes()


# A run ----------------------------------------------------------------------------------------------------------------


def test_a_run_learns_resumes_and_is_judged(data: PhotoData, tmp_path: Path) -> None:
    config = tiny(noise=0.5, two_meanings=0.3, relevance="likelihood", components=2)
    Trainer(config, tmp_path / "whole", data).run()
    Trainer(config, tmp_path / "parts", data).run(until=13)
    resume(tmp_path / "parts", data).run()
    for name in ("embedding.safetensors", "relevance.safetensors"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "parts" / name).read_bytes()
    log = [json.loads(line) for line in (tmp_path / "whole" / "log.jsonl").read_text().splitlines()]
    assert log[-1]["loss"] < 0.8 * log[0]["loss"]
    scores = judge(tmp_path / "whole", data)
    assert scores["source"] == "made-up photographs"
    assert scores["clean stepwise"]["count"] == 5
    assert scores["web top stepwise"]["count"] == 2
    judged = pd.read_csv(tmp_path / "whole" / "judged.csv")
    assert judged["clean stepwise"].mean() == pytest.approx(scores["clean stepwise"]["mean"], rel=1e-5)  # six digits


def test_what_is_pre_learned_is_judged_as_it_is(data: PhotoData, tmp_path: Path) -> None:
    Trainer(tiny(embedding="identity", steps=0), tmp_path / "run", data).run()
    found = judge(tmp_path / "run", data)["clean stepwise"]["mean"]
    assert found == pytest.approx(PhotoProblem(tiny(), data).judge(plain(Average()))["clean stepwise"].mean())


def test_data_of_another_kind(data: PhotoData) -> None:
    with pytest.raises(S2MError, match="the config is for flowers102 and the data are generated characters: give"):
        load_problem(tiny(), generate_characters(classes=3, drawings=2))
    with pytest.raises(S2MError, match="the config is for omniglot and the data are made-up photographs: give those"):
        load_problem(Config(), data)


def test_more_concept_sets_than_one(data: PhotoData) -> None:
    """The mean over draws is steadier than a draw: without different sets it would be as far off."""
    problem = PhotoProblem(tiny(), data)
    one, many = (problem.judge_part(plain(Average()), "test", ["clean"], draws) for draws in (1, DRAWS))
    assert (one["clean stepwise"] != many["clean stepwise"]).any()
