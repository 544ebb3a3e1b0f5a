"""Minutes first, then points given minutes, by boosted trees.

    P(plays), P(60 minutes or more | plays)          logistic loss
    E(points | 1 to 59 minutes), E(points | 60+)     squared error, each on the matches that it is about

The mean is their sum over minutes; the distribution tilts what players of the position scored in such matches before
(`matchday.models.player_points.distribution`).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xgboost
from numpy.typing import NDArray

from matchday.features.player_form import FULL
from matchday.models.graph import GraphWriter
from matchday.models.player_points.distribution import (
    FloatArray,
    IntArray,
    PointsDistribution,
    base_chances,
    mix,
    tilt,
)
from matchday.models.trees import write_trees

Float32Array = NDArray[np.float32]

OUTPUTS = ("none", "some", "full", "points_some", "points_full", "points")
"""Probabilities of 0, 1-59 and 60 minutes or more; mean points given the latter two; mean points."""
LEAST_MATCHES = 50
"""Rows of each kind of minutes that a fit needs."""


@dataclass(frozen=True)
class TreeSettings:
    """Size of a booster. rounds: trees; eta: weight of each; depth; least_weight: a leaf needs, in rows for means."""

    rounds: int
    eta: float
    depth: int
    least_weight: float


PLAYS = TreeSettings(rounds=80, eta=0.16, depth=5, least_weight=20)
LASTS = TreeSettings(rounds=60, eta=0.16, depth=4, least_weight=20)
SOME_POINTS = TreeSettings(rounds=40, eta=0.08, depth=3, least_weight=100)
FULL_POINTS = TreeSettings(rounds=60, eta=0.09, depth=4, least_weight=100)
SHARED = {
    "tree_method": "hist",
    "max_bin": 64,
    "subsample": 0.7,
    "colsample_bytree": 0.5,
    "reg_lambda": 5.0,
    "seed": 1,
    "nthread": 1,
}
"""Of all four boosters. One thread: with more, the sums of a split depend on the machine."""


@dataclass(frozen=True)
class PointsModel:
    """The four boosters, and for each position the base chances (k,) of points given 1-59 and 60+ minutes."""

    plays: xgboost.Booster
    lasts: xgboost.Booster
    some_points: xgboost.Booster
    full_points: xgboost.Booster
    bases: Mapping[str, tuple[FloatArray, FloatArray]]

    def predict(self, vectors: Float32Array) -> FloatArray:
        """The numbers of `OUTPUTS`, (n, 6), for feature vectors (n, k)."""
        rows = xgboost.DMatrix(vectors)
        plays, lasts = self.plays.predict(rows).astype(float), self.lasts.predict(rows).astype(float)
        given = (self.some_points.predict(rows).astype(float), self.full_points.predict(rows).astype(float))
        some, full = plays * (1 - lasts), plays * lasts
        return np.column_stack([1 - plays, some, full, *given, some * given[0] + full * given[1]])

    def distribution(self, forecast: FloatArray, positions: NDArray[np.str_]) -> PointsDistribution:
        """Distributions of points from rows (n, 6) of `predict` for players of these positions, (n,).

        Their means are the forecast means. Raises KeyError for a position that the fit has not seen.
        """
        parts = np.zeros((len(forecast), len(next(iter(self.bases.values()))[0])))
        least = 0
        for position in np.unique(positions):
            rows = positions == position
            some, full = (tilt(base, forecast[rows, 3 + place]) for place, base in enumerate(self.bases[str(position)]))
            mixed = mix(forecast[rows, :3], some, full)
            parts[rows], least = mixed.chances, mixed.least
        return PointsDistribution(least, parts)


def given_he_plays(forecast: FloatArray) -> FloatArray:
    """Mean points (n,) given that a player plays at all, from rows (n, 6) of `PointsModel.predict`."""
    plays = forecast[:, 1] + forecast[:, 2]
    return np.asarray(forecast[:, 5] / np.maximum(plays, np.finfo(float).tiny))


def fit(vectors: Float32Array, positions: NDArray[np.str_], minutes: IntArray, points: IntArray) -> PointsModel:
    """Fit on matches of players, (n, k) and (n,).

    Raises ValueError when there are fewer than `LEAST_MATCHES` rows with no minutes, 1-59 minutes or 60 and more.
    """
    played, full = minutes > 0, minutes >= FULL
    for name, rows in (("0", ~played), ("1-59", played & ~full), ("60 or more", full)):
        if rows.sum() < LEAST_MATCHES:
            raise ValueError(f"training needs {LEAST_MATCHES} matches with {name} minutes, there are {rows.sum()}")
    some = played & ~full
    return PointsModel(
        plays=_boost(PLAYS, "binary:logistic", vectors, played),
        lasts=_boost(LASTS, "binary:logistic", vectors[played], full[played]),
        some_points=_boost(SOME_POINTS, "reg:squarederror", vectors[some], points[some]),
        full_points=_boost(FULL_POINTS, "reg:squarederror", vectors[full], points[full]),
        bases={
            str(position): (
                base_chances(points[some & (positions == position)]),
                base_chances(points[full & (positions == position)]),
            )
            for position in np.unique(positions)
        },
    )


def write_forecast(writer: GraphWriter, model: PointsModel, features: str, output: str) -> str:
    """Add the numbers of `OUTPUTS`, (n, 6), to a graph with feature vectors (n, k); returns the output's name."""
    one = writer.constant("one", [1.0])
    plays = writer.node("Sigmoid", [write_trees(writer, model.plays, features, "plays_margin")], "plays")
    lasts = writer.node("Sigmoid", [write_trees(writer, model.lasts, features, "lasts_margin")], "lasts")
    given_some = write_trees(writer, model.some_points, features, "given_some")
    given_full = write_trees(writer, model.full_points, features, "given_full")
    none = writer.node("Sub", [one, plays], "none")
    full = writer.node("Mul", [plays, lasts], "full")
    some = writer.node("Mul", [plays, writer.node("Sub", [one, lasts], "short_of_full")], "some")
    parts = [
        writer.node("Mul", [some, given_some], "points_of_some"),
        writer.node("Mul", [full, given_full], "points_of_full"),
    ]
    points = writer.node("Add", parts, "mean_points")
    return writer.node("Concat", [none, some, full, given_some, given_full, points], output, axis=1)


def _boost(
    settings: TreeSettings, objective: str, vectors: Float32Array, wanted: NDArray[np.bool_] | IntArray
) -> xgboost.Booster:
    parameters = {
        **SHARED,
        "objective": objective,
        "eta": settings.eta,
        "max_depth": settings.depth,
        "min_child_weight": settings.least_weight,
    }
    rows = xgboost.QuantileDMatrix(vectors, wanted.astype(float), max_bin=SHARED["max_bin"], nthread=1)
    return xgboost.train(parameters, rows, settings.rounds)
