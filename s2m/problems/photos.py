"""Retrieval among photographs, by concept sets that are pure, noisy, ambiguous, or of the web."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from s2m.backbones import Head
from s2m.config import Config
from s2m.episodes import generator
from s2m.errors import S2MError
from s2m.impure import average_precisions
from s2m.layer import RelevanceNet
from s2m.problems.base import Batch, Problem
from s2m.problems.photo_data import PhotoData
from s2m.problems.photo_sets import PhotoSet, draw_set, draw_sets
from s2m.problems.pictures import Pictures
from s2m.relevance import Relevance, SupportVectors

DRAWS = 5  # concept sets of every test class
CONDITIONS = {"clean": (0.0, 1), "30 % foreign": (0.3, 1), "60 % foreign": (0.6, 1), "two meanings": (0.0, 2)}
LENGTH = 4.0
CHUNK = 10  # concept sets that are fitted at once


class PhotoProblem(Problem):
    """Retrieval among the photographs of a collection by heads on cached descriptors.

    A step draws tuples as the paper's, and what a web search brings too: a share `noise` of foreign images at most in
    the concept sets of a step, and sets with two meanings among them. Explained in the chapter "Collections".
    """

    def __init__(self, config: Config, data: PhotoData) -> None:
        self.config, self.data, self.source = config, data, data.source

    def begin(self, network: RelevanceNet) -> None:
        """Start a head at principal components where the config says so."""
        if self.config.start == "components":
            part = self.data.parts["train"]
            begin_at_components(network.embedding, part.values[: len(part.labels)])

    def draw(self, step: int) -> Batch:
        """Tuples of descriptors. Half of the foreign images of a set are strangers, half are of other classes."""
        config, part = self.config, self.data.parts["train"]
        rng = generator(config.seed, "train", step)
        sets, queries = [], []
        for concept in rng.choice(len(part.members), config.tuples, replace=False):
            meanings = 1 + (rng.random() < config.two_meanings)
            foreign = 0 if meanings > 1 else round(rng.uniform(0, config.noise) * config.examples)
            others = np.flatnonzero(part.labels != concept)
            strangers = np.concatenate([part.strangers, rng.choice(others, len(part.strangers))])
            found = draw_set(rng, part.members, concept, config.examples, foreign, np.unique(strangers), meanings)
            sets.append(found)
            queries.append(self.draw_queries(rng, found))
        classes = torch.from_numpy(part.labels[np.concatenate(queries)])
        own = torch.stack([torch.isin(classes, torch.tensor(found.classes)) for found in sets])
        places = np.concatenate([np.stack([found.examples for found in sets]), np.stack(queries)], 1)
        return Batch(part.values[torch.from_numpy(places)], ~own)

    def draw_queries(self, rng: np.random.Generator, found: PhotoSet) -> np.ndarray:
        """Z+ and Z- of a concept set: (P + Q,)."""
        config, labels = self.config, self.data.parts["train"].labels
        each = config.relevant // len(found.classes)
        relevant = [found.relevant[labels[found.relevant] == index][:each] for index in found.classes]
        others = np.setdiff1d(np.flatnonzero(~np.isin(labels, found.classes)), found.examples)
        foreign = rng.choice(others, config.irrelevant, replace=False)
        if (count := sum(map(len, relevant))) < config.relevant:
            raise S2MError(
                f"{count} images of a class are left to be found and relevant is {config.relevant}: ask for fewer"
            )
        return np.concatenate([*relevant, foreign])

    def validate(self, network: RelevanceNet) -> float:
        """Mean average precision on the validation classes, over the conditions that the config trains for."""
        names = list(CONDITIONS) if self.config.noise or self.config.two_meanings else ["clean"]
        found = self.judge_part(network, "validation", names, draws=3)
        return float(np.mean([found[f"{name} stepwise"].mean() for name in names]))

    def judge(self, network: RelevanceNet, tasks: int = 0) -> pd.DataFrame:
        """Average precision of every test class in every condition, in both conventions, a row a class.

        It is the mean over `DRAWS` concept sets of the class, drawn from the config's seed and the same for every
        method. All images of the test classes are ranked but the examples and those that gave way to foreign ones.
        Where there are web queries for a class, also of the whole set of web images as the one concept set.
        """
        found = self.judge_part(network, "test", list(CONDITIONS), DRAWS)
        return found.join(self.judge_web(network), on="class") if self.data.web else found

    @torch.no_grad()
    def judge_part(self, network: RelevanceNet, name: str, conditions: list[str], draws: int) -> pd.DataFrame:
        """A row a class of this part, a column a condition and convention, after the name of the class."""
        part, relevance = self.data.parts[name], self.with_negatives(network)
        values = describe(network, part.values)
        columns: dict[str, object] = {"class": part.classes}
        for condition in conditions:
            share, meanings = CONDITIONS[condition]
            sets = draw_sets(
                self.config.seed,
                name,
                draws,
                part.members,
                self.config.examples,
                share,
                lambda _: part.strangers,
                meanings,
            )
            for convention, precisions in rank(values, len(part.labels), relevance, sets).items():
                columns[f"{condition} {convention}"] = precisions.reshape(-1, draws).mean(1)
        return pd.DataFrame(columns)

    @torch.no_grad()
    def judge_web(self, network: RelevanceNet) -> pd.DataFrame:
        """A row a class that is asked for, a column a filter of the search and convention."""
        part, relevance = self.data.parts["test"], self.with_negatives(network)
        values = describe(network, part.values[: len(part.labels)])
        none = torch.empty(1, 0, dtype=torch.long)
        rows: dict[str, dict[str, float]] = {}
        for name, (images, concept) in self.data.web.items():
            relevant = torch.from_numpy(part.members[concept])[None]
            scores = relevance(describe(network, images)[None], values)
            for convention, precisions in average_precisions(scores, relevant, none).items():
                column = f"web {name.partition('/')[2]} {convention}"
                rows.setdefault(part.classes[concept], {})[column] = float(precisions[0])
        return pd.DataFrame.from_dict(rows, orient="index")

    def with_negatives(self, network: RelevanceNet) -> Relevance:
        """The network's relevance; an SVM gets the 2 N random images of the training classes that it needs."""
        if not isinstance(network.relevance, SupportVectors):
            return network.relevance
        part = self.data.parts["train"]
        rng = generator(self.config.seed, "negatives", 0)
        chosen = torch.from_numpy(rng.choice(len(part.labels), 2 * self.config.examples, replace=False))
        return SupportVectors(describe(network, part.values[chosen]), network.relevance.C)


@torch.no_grad()
def begin_at_components(head: Head, features: Tensor) -> None:
    """Make a head the first principal components of features (M, d), each divided by the root of its deviation.

    The bias takes off the mean. So a head begins with most of what a backbone knows, where random weights keep a random
    part of it; halfway whitened, the first components do not drown the others. Descriptors are about LENGTH long before
    they are scaled to one, which sets how far a step of a given learning rate goes. Raises S2MError for fewer images
    than the head has outputs.

    Explained in the chapter "Collections".
    """
    if len(features) < head.size:
        raise S2MError(f'{len(features)} images have no {head.size} components: set start = "random", or take more')
    mean = features.mean(0)
    _, deviations, axes = torch.linalg.svd(features - mean, full_matrices=False)
    weight = axes[: head.size] / deviations[: head.size, None].sqrt()
    weight *= LENGTH / ((features - mean) @ weight.T).norm(dim=1).mean()
    head.weight.copy_(weight)
    head.bias.copy_(-weight @ mean)


def describe(network: RelevanceNet, values: Tensor | Pictures) -> Tensor:
    """The network's descriptors (M, n) of cached ones (M, d), or of pictures, on the CPU."""
    network.eval()
    return torch.cat([network.describe(chunk.to(network.device)).cpu() for chunk in values.split(4096)])


def rank(values: Tensor, count: int, relevance: Relevance, sets: list[PhotoSet]) -> dict[str, np.ndarray]:
    """Average precision of every set in both conventions, the first `count` of the values being ranked: each (S,)."""
    found = []
    for start in range(0, len(sets), CHUNK):
        chunk = sets[start : start + CHUNK]
        examples = torch.stack([values[torch.from_numpy(each.examples)] for each in chunk])
        for scores, each in zip(relevance(examples, values[:count]), chunk):
            places = (torch.from_numpy(places)[None] for places in (each.relevant, each.unranked))
            found.append(average_precisions(scores[None], *places))
    return {name: np.concatenate([each[name] for each in found]) for name in ("stepwise", "trapezoid")}
