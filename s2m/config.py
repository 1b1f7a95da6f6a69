"""What a run is made from: one flat TOML file, in which an unknown key is an error."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Literal

import pydantic

from s2m.embeddings import EMBEDDINGS
from s2m.errors import S2MError
from s2m.models.study import Gradient

PHOTOS = ("flowers102", "caltech101", "grocery_store")
ON_DESCRIPTORS = ("head", "identity")  # what photographs are embedded by, after their backbone


class Config(pydantic.BaseModel, extra="forbid", frozen=True):
    """Everything that decides the result of a run. The defaults are the paper's Omniglot classification recipe.

    >>> Config(relevance="average").tuples
    3
    """

    task: Literal["classification", "retrieval"] = "classification"  # what validation and test measure
    # the last three are photographs, each with one split of its own
    data: Literal["auto", "omniglot", "generated", "flowers102", "caltech101", "grocery_store"] = "omniglot"
    split: Literal["paper", "official", "within-alphabet"] = "paper"  # of Omniglot
    seed: int = pydantic.Field(0, ge=0)

    embedding: str = "conv4"  # of photographs: head, or identity, which learns nothing
    backbone: str = "efficientnet-lite0"  # of photographs: see s2m.backbones
    layer: Literal["features", "outputs"] = "features"  # what a backbone's last layer takes (AlexNet: fc7), or gives
    normalise: bool = True  # descriptors of length 1
    # prototypes and what follows are the rivals, see s2m.relevance
    relevance: Literal[
        "likelihood",
        "average",
        "nearest",
        "prototypes",
        "matching",
        "siamese",
        "nearest-mean",
        "mann",
        "svm",
    ] = "likelihood"
    components: pydantic.PositiveInt | Literal["bic"] = 1
    prior_strength: float = pydantic.Field(1.0, ge=0)  # 0: no prior, maximum likelihood
    prior_variance: pydantic.PositiveFloat = 0.01
    learn_prior: bool = False
    context: bool = False  # matching: full-context embeddings
    gradient: Gradient = "exact"  # the others are for study: see s2m.models.study

    examples: pydantic.PositiveInt = 5  # drawings of a concept set X
    relevant: pydantic.PositiveInt = 15  # of Z+
    irrelevant: pydantic.NonNegativeInt = 20  # of Z-
    tuples: pydantic.PositiveInt = 3  # (X, Z+, Z-) a step
    start: Literal["random", "components"] = "random"  # of a head: see `begin_at_components` in s2m.problems.photos
    fine_tune: bool = False  # of photographs: learn the backbone too, from pixels; this wants a GPU
    noise: float = pydantic.Field(0.0, ge=0, le=1)  # of photographs: largest share of foreign images in a concept set
    two_meanings: float = pydantic.Field(0.0, ge=0, le=1)  # of photographs: share of concept sets that mean two classes
    augment: bool = False  # train on drawings a little turned, scaled and shifted, see s2m.augmentation
    negatives: Literal["own", "batch"] = "own"  # batch: the queries of a step's other tuples are irrelevant too
    # softmax: which of the step's concepts is a query of? both: with the histogram; verification: the same concept?
    loss: Literal["histogram", "softmax", "both", "verification"] = "histogram"
    scale: pydantic.PositiveFloat = 1.0  # of relevances in the softmax, at the start
    learn_scale: bool = True  # false keeps it: for matching and mann, whose relevance has a scale of its own

    steps: pydantic.NonNegativeInt = 8000  # 0: nothing is learned, another run's embedding is judged as it is
    learning_rate: pydantic.PositiveFloat = 1e-3
    schedule: Literal["constant", "cosine"] = "cosine"  # cosine falls to zero at the last step
    bins: int = pydantic.Field(100, ge=2)
    kernel_width: float = pydantic.Field(1.0, ge=1)
    evaluate_every: pydantic.PositiveInt = 500
    precision: Literal["float32", "bfloat16"] = "bfloat16"  # of the embedding while it trains; judging is in float32

    init_from: str | None = None  # a finished run to take the embedding from; "{seed}" stands for this run's seed
    freeze_embedding: bool = False  # learn only the relevance's own parameters

    @property
    def of_photos(self) -> bool:
        """Whether the images are photographs."""
        return self.data in PHOTOS

    @property
    def has_softmax(self) -> bool:
        """Whether the loss is over the concepts of a step, which then must be different classes."""
        return self.loss in ("softmax", "both")

    @pydantic.field_validator("embedding")
    @classmethod
    def known_embedding(cls, name: str) -> str:
        if name not in (*EMBEDDINGS, *ON_DESCRIPTORS):
            raise ValueError(f"give one of {', '.join((*EMBEDDINGS, *ON_DESCRIPTORS))}")
        return name

    @pydantic.model_validator(mode="after")
    def something_to_judge(self) -> Config:
        if self.steps == 0 and self.init_from is None and self.embedding != "identity":
            raise ValueError("steps = 0 needs init_from, the run whose embedding is to be judged")
        if self.relevance == "svm" and self.steps > 0:
            raise ValueError('an SVM has no gradient: set steps = 0 and init_from, or another relevance than "svm"')
        return self

    @pydantic.model_validator(mode="after")
    def photographs_or_drawings(self) -> Config:
        if self.of_photos != (self.embedding in ON_DESCRIPTORS):
            raise ValueError('photographs need embedding = "head" or "identity", drawings another')
        if self.of_photos and (self.task != "retrieval" or self.has_softmax or self.augment):
            raise ValueError('photographs need task = "retrieval", a loss over pairs, and augment = false')
        only = (self.noise, self.two_meanings, self.fine_tune, self.start == "components")
        if not self.of_photos and any(only):
            raise ValueError("noise, two_meanings, fine_tune and start are for photographs: see s2m.problems.photos")
        if self.start == "components" and (self.embedding != "head" or self.fine_tune or self.init_from):
            raise ValueError('start = "components" needs embedding = "head", fine_tune = false and no init_from')
        if self.two_meanings and (self.examples % 2 or self.relevant % 2):
            raise ValueError("two_meanings needs even numbers: set examples and relevant to such")
        if self.fine_tune and (self.embedding != "head" or self.layer != "features"):
            raise ValueError('fine_tune needs embedding = "head" and layer = "features"')
        return self

    @pydantic.model_validator(mode="after")
    def enough_to_compare(self) -> Config:
        alone = self.irrelevant > 0 and not self.has_softmax  # a tuple has all that the loss looks at
        if self.negatives == "own" and not alone:
            raise ValueError('negatives = "own" needs irrelevant >= 1 and no softmax: set negatives = "batch"')
        if self.tuples < 2 and not alone:
            raise ValueError("one tuple has nothing to be told from: set tuples >= 2, or irrelevant >= 1")
        return self


def make_config(values: dict[str, object], source: str = "the config") -> Config:
    """A `Config` from plain values, or one line that names every key that is wrong."""
    try:
        return Config(**values)  # type: ignore[arg-type]
    except pydantic.ValidationError as error:
        wrong = []
        for item in error.errors():
            key = str(item["loc"][0]) if item["loc"] else "together"
            why = f"{item['msg']}, not {item['input']!r}"
            if item["type"] == "extra_forbidden":
                why = f"no such key, known are {', '.join(Config.model_fields)}"
            elif item["type"] == "value_error":  # a line of ours
                why = item["msg"].removeprefix("Value error, ")
            wrong.append(f"{key}: {why}")
        raise S2MError(f"{source} is not valid: " + "; ".join(dict.fromkeys(wrong))) from error


def read_config(path: Path, **overrides: object) -> Config:
    """A config from a TOML file; `overrides` replace its keys. Raises S2MError naming the file and the key."""
    if not path.is_file():
        raise S2MError(f"there is no config file {path}: give the path of a .toml file")
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise S2MError(f"{path} is not TOML ({error}): mend that line") from error
    return make_config({**values, **overrides}, str(path))
