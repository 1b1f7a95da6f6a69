"""Handwritten characters: classification by N-way tasks, or retrieval, with the protocol of the paper."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch

from s2m.augmentation import jitter
from s2m.config import Config
from s2m.datasets import Characters, by_alphabet, split_characters
from s2m.embeddings import as_images
from s2m.episodes import draw_tuples, generator, take
from s2m.evaluation import classify, describe_characters, one_rotation_each, retrieve
from s2m.layer import RelevanceNet
from s2m.problems.base import Batch, Problem

SETTINGS = ((5, 1), (5, 5), (20, 1), (20, 5))  # ways and shots of the test
TASKS = 1000


class DrawingProblem(Problem):
    """The characters of a config's split; classes are characters at one of four rotations.

    Explained in the chapter "Omniglot".
    """

    def __init__(self, config: Config, characters: Characters) -> None:
        self.config, self.source = config, characters.source
        self.train_images = split_characters(characters, config.split, "train").rotated().images
        self.held_out = split_characters(characters, config.split, "validation")
        self.test = split_characters(characters, config.split, "test")

    def draw(self, step: int) -> Batch:
        """Tuples of drawings, jittered if the config says so."""
        config = self.config
        tuples = draw_tuples(
            generator(config.seed, "train", step),
            self.train_images.shape[:2],
            config.tuples,
            config.examples,
            config.relevant,
            config.irrelevant,
            distinct=config.has_softmax,
        )
        queries = np.concatenate([tuples.relevant, tuples.irrelevant], 1)
        pairs = np.concatenate([tuples.examples, queries], 1)  # (T, N + M, 2)
        images = as_images(torch.from_numpy(take(self.train_images, pairs)).flatten(0, 1))
        if config.augment:
            images = jitter(images, generator(config.seed, "augment", step))
        classes = torch.from_numpy(queries[..., 0])
        return Batch(images.unflatten(0, pairs.shape[:2]), classes.flatten() != classes[:, :1])

    def validate(self, network: RelevanceNet) -> float:
        """Accuracy of 200 tasks of 20 ways, or of as many as a softmax learns if fewer; or mean average precision."""
        examples, way = self.config.examples, min(20, self.config.tuples) if self.config.has_softmax else 20
        if self.config.task == "retrieval":
            descriptors = describe_characters(network, one_rotation_each(self.held_out, stream="validation"))
            return float(retrieve(descriptors, network.relevance, examples, stream="validation")["stepwise"].mean())
        descriptors = describe_characters(network, self.held_out.rotated())
        return float(classify(descriptors, network.relevance, way, examples, tasks=200, stream="validation").mean())

    def judge(self, network: RelevanceNet, tasks: int = TASKS) -> pd.DataFrame:
        """Classification: the accuracy of every task in each of `SETTINGS`; where whole alphabets are held out (any
        split but the paper's), also of tasks within one alphabet that has as many characters, upright.

        Retrieval: the average precision of every character at a rotation of its own, in both conventions, all other
        drawings of all test characters being ranked.
        """
        if self.config.task == "retrieval":
            descriptors = describe_characters(network, one_rotation_each(self.test))
            return pd.DataFrame(retrieve(descriptors, network.relevance, self.config.examples))
        descriptors = describe_characters(network, self.test.rotated())
        found = {}
        for way, shot in SETTINGS:
            found[f"{way}-way {shot}-shot"] = classify(descriptors, network.relevance, way, shot, tasks)
        if self.config.split != "paper":
            place = {name: index for index, name in enumerate(self.test.names)}  # `rotated` has the upright ones first
            alphabets = [[place[name] for name in names] for names in by_alphabet(self.test.names).values()]
            for way, shot in SETTINGS:
                groups = [alphabet for alphabet in alphabets if len(alphabet) >= way]
                if groups:
                    found[f"{way}-way {shot}-shot within alphabets"] = classify(
                        descriptors,
                        network.relevance,
                        way,
                        shot,
                        tasks,
                        stream="test within alphabets",
                        groups=groups,
                    )
        return pd.DataFrame(found)
