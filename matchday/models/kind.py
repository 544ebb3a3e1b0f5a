"""Description of a registered model: inputs, features, output, score, gate. One frozen value for each model.

Registry, pipelines, promotion, rollouts, the command line and the chart read a model's description and name no model
themselves. The values are in `matchday.models.catalogue`. Importing this costs nothing but NumPy: code that trains is
reached through an entry point.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from math import inf, sqrt

import numpy as np
from numpy.typing import NDArray

from matchday.signature import EntityInput, FeatureRef, FurtherOutput, NumberInput

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

Loss = Callable[[FloatArray, IntArray], FloatArray]
"""Loss of each row, (n,), lower is better, of forecasts (n, columns of the output) and results (n,)."""


class ReplayRows(StrEnum):
    """The kind of rows that a rollout asks both versions for, beside those that people have asked for."""

    PAIRINGS = "pairings"
    """Every team of the latest season at home against every other one."""
    PLAYERS = "players"
    """Every player of the latest season, with his club against every other one."""


class Subject(StrEnum):
    """What one forecast is of."""

    MATCH = "match"
    """A match: a row of `Matches`. Key: match_id. Features are those known just before kick-off."""
    APPEARANCE = "appearance"
    """A player's match: a row of `Appearances`. Key: match_id, player. Features are those known at the deadline."""

    @property
    def keys(self) -> tuple[str, ...]:
        """Columns that tell forecasts apart."""
        return ("match_id",) if self is Subject.MATCH else ("match_id", "player")

    @property
    def moment(self) -> str:
        """Column of a training set that says until when a forecast's model may have learnt."""
        return "kickoff" if self is Subject.MATCH else "event_time"

    @property
    def plural(self) -> str:
        """Several of them, for people."""
        return "matches" if self is Subject.MATCH else "players' matches"


@dataclass(frozen=True)
class ModelOutput:
    """The output tensor. classes: its columns, none for a model that forecasts a number, whose shape is [n].

    labels: the classes in words, for people.
    """

    name: str
    classes: tuple[str, ...] = ()
    datatype: str = "FP32"
    labels: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the numbers of a row, as logs and tables of forecasts have them."""
        return self.classes or (self.name,)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape, as the protocol says it: -1 for the rows."""
        return (-1, len(self.classes)) if self.classes else (-1,)


@dataclass(frozen=True)
class PairedScore:
    """The score by which two versions are compared on the same matches.

    name: of the metric, `rps`. title: for people. about: its definition, for people. loss: of each row. margin: how
    much worse a fresher version may be on average and still count as equally good; in units of the score. largest: the
    largest loss that a row can have; the least is 0.
    """

    name: str
    title: str
    about: str
    loss: Loss
    margin: float
    largest: float = inf


@dataclass(frozen=True)
class ScoreLimit:
    """Bounds of a mean score of a walk-forward evaluation.

    score: name of the score. least, most: bounds. chance: how far beyond them chance alone may take the mean of one
    match; of n matches it is chance / sqrt(n). fault: what a score beyond them means, for people.
    """

    score: str
    fault: str
    least: float = -inf
    most: float = inf
    chance: float = 0.0

    def bounds(self, matches: int) -> tuple[float, float]:
        """The bounds of a mean over so many matches."""
        slack = self.chance / sqrt(matches)
        return self.least - slack, self.most + slack


@dataclass(frozen=True)
class GateRules:
    """What a walk-forward evaluation must show before a version is registered.

    least_matches: how many matches it must have forecast. beats: baselines whose paired score it must beat on the
    same matches. limits: bounds of other scores.
    """

    least_matches: int
    beats: tuple[str, ...]
    limits: tuple[ScoreLimit, ...] = ()


@dataclass(frozen=True)
class ModelKind:
    """A registered model.

    name: in the registry and in requests.
    about: one sentence for people.
    inputs: of a request in entity mode; each has the name of the column of the subject's table that names its entity.
    distinct: those that must name different entities. moment: the input that says which moment a forecast is for.
    feature_service: the Feast service that it is trained and served with. features: its columns in order.
    numbers: inputs of a request that are features themselves: columns of the model's input behind `features`.
    output: the tensor of its forecasts. further: other tensors of its graph, given to requests that ask for them.
    subject: what a forecast is of. result_of: columns of the subject's table that say what happened. result: what
    happened, (n,), in the model's terms, from those columns, (n,) each.
    score: by which two of its versions are compared. scores: means of all its scores by name, that of `score` among
    them, and `matches`, the number of rows, from forecasts (n, c) and results (n,).
    baselines: forecasts that it is evaluated beside. gate: what its evaluation must show.
    entry_point: `module:name` of its `Recipe`.
    replay: rows that a rollout asks both versions for.
    """

    name: str
    about: str
    inputs: tuple[EntityInput, ...]
    distinct: tuple[str, ...]
    feature_service: str
    features: tuple[FeatureRef, ...]
    output: ModelOutput
    result: Callable[..., IntArray]
    score: PairedScore
    scores: Callable[[FloatArray, IntArray], dict[str, float]]
    baselines: tuple[str, ...]
    gate: GateRules
    entry_point: str
    replay: ReplayRows = ReplayRows.PAIRINGS
    moment: str = "kickoff"
    numbers: tuple[NumberInput, ...] = ()
    further: tuple[FurtherOutput, ...] = ()
    subject: Subject = Subject.MATCH
    result_of: tuple[str, ...] = ("home_goals", "away_goals")

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the columns of its feature vectors, in order: those of the store, then those of the request."""
        return (*(each.name for each in self.features), *(each.name for each in self.numbers))

    @property
    def pipeline(self) -> str:
        """Name of the pipeline that trains it."""
        return f"train-{self.name}"
