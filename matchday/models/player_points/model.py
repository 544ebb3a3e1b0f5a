"""Minutes first, then points given minutes, by boosted trees.

    P(plays), P(60 minutes or more | plays)          logistic loss
    E(points | 1 to 59 minutes), E(points | 60+)     squared error, each on the matches that it is about
    E(points | plays)                                squared error, on all matches played

The mean given that he plays is half the sum over minutes and half the last; points for defending are learnt apart
(`PlayerMarket.defensive_points`) and added. The distribution tilts what players of the position scored in such matches
before (`matchday.models.player_points.distribution`).
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xgboost
from numpy.typing import NDArray

from matchday.features.player_form import FULL
from matchday.features.player_market import POSITION_NUMBER
from matchday.models.player_points.boosting import TreeSettings, boost_chance, boost_mean, margins
from matchday.models.player_points.distribution import (
    LEAST,
    FloatArray,
    IntArray,
    PointsDistribution,
    TiltTable,
    count_below,
    tilt_table,
)
from matchday.models.player_points.flags import LARGEST_CHANCE, fading_ratios, learn_ratios
from matchday.models.player_points.horizon import NO_AGEING, Ageing, later_rows, learn_ageing
from matchday.models.player_points.inputs import COLUMN, WEEKS, Float32Array, tree_inputs, vectors_of, weeks_ahead
from matchday.models.player_points.kind import LEVELS
from matchday.scoring import defensive_points

FIRST_SEASON = "1617"
"""Rows of 15/16 are of those who played alone."""
MINUTES_SEASONS, POINTS_SEASONS = 3, 6
"""Seasons before the one that is forecast that minutes and points are learnt from; who plays changes faster."""
PLAYS = TreeSettings(rounds=80, eta=0.16, depth=5, least_weight=20)
LASTS = TreeSettings(rounds=60, eta=0.16, depth=4, least_weight=20)
SOME_POINTS = TreeSettings(rounds=40, eta=0.08, depth=3, least_weight=100)
FULL_POINTS = TreeSettings(rounds=60, eta=0.09, depth=4, least_weight=100)
DIRECT = TreeSettings(rounds=60, eta=0.09, depth=4, least_weight=100)
DIRECT_SHARE = 0.5
"""Of the mean given that he plays."""
LEAST_MATCHES = 50
"""Rows of each kind of minutes that a fit needs."""
THREADS = 2
"""Boosters that are fitted at once; XGBoost lets go of the interpreter, and each has one thread."""
AGEING_SEASONS, AGEING_WEEKS = 1, frozenset(range(2, 38, 4))
"""Ageing is learnt from this many seasons before the one that is forecast and from it, in every fourth gameweek."""


@dataclass(frozen=True)
class PointsForecast:
    """Forecasts of n matches of players.

    minutes: (n, 3) probabilities of 0, 1-59 and 60 minutes or more. some, full: mean points given the latter two, (n,);
    given: given that he plays at all; points: mean points. reached: (n, k) chances of at most `LEAST`, `LEAST` + 1...
    """

    minutes: FloatArray
    some: FloatArray
    full: FloatArray
    given: FloatArray
    points: FloatArray
    reached: FloatArray

    @property
    def distribution(self) -> PointsDistribution:
        """Distributions of points."""
        return PointsDistribution(LEAST, np.diff(self.reached, axis=1, prepend=0.0))

    @property
    def quantiles(self) -> IntArray:
        """The least points that are reached or stayed below with 10, 50 and 90 percent, (n, 3)."""
        return LEAST + count_below(self.reached, LEVELS)


@dataclass(frozen=True)
class PointsModel:
    """Five boosters, and what follows them.

    ratios: of chances of playing by flag, (7,). ageing: of log odds of playing by weeks ahead. tilts: distributions by
    position and minutes.
    """

    plays: xgboost.Booster
    lasts: xgboost.Booster
    some_points: xgboost.Booster
    full_points: xgboost.Booster
    direct: xgboost.Booster
    ratios: FloatArray
    ageing: Ageing
    tilts: TiltTable

    def predict(self, vectors: Float32Array) -> PointsForecast:
        """Forecasts for feature vectors (n, k)."""
        inputs = tree_inputs(vectors)
        plays = self._chance_to_play(vectors, margins(self.plays, inputs))
        lasts = _logistic(margins(self.lasts, inputs))
        defending = vectors[:, COLUMN["defensive_points"]].astype(float)
        some, full = margins(self.some_points, inputs), margins(self.full_points, inputs) + defending
        by_minutes = (1 - lasts) * some + lasts * full
        moved = DIRECT_SHARE * (margins(self.direct, inputs) + lasts * defending - by_minutes)
        minutes = np.column_stack([1 - plays, plays * (1 - lasts), plays * lasts])
        some, full, given = some + moved, full + moved, by_minutes + moved
        positions = vectors[:, COLUMN["position_number"]].astype(np.int64)
        reached = self.tilts.mix(positions, minutes, some, full)
        return PointsForecast(minutes, some, full, given, plays * given, reached)

    def _chance_to_play(self, vectors: Float32Array, odds: FloatArray) -> FloatArray:
        weeks, flags = weeks_ahead(vectors), vectors[:, COLUMN["flag"]].astype(np.int64)
        chance = _logistic(odds * self.ageing.slopes[weeks] + self.ageing.shifts[weeks])
        return np.minimum(chance * fading_ratios(self.ratios)[weeks, flags], LARGEST_CHANCE[flags])


def fit(rows: pd.DataFrame, season: str | None = None) -> PointsModel:
    """Fit on rows of `PointsFeatures`, to forecast matches of a season: that of the last row, unless it is named.

    Raises ValueError when there are fewer than `LEAST_MATCHES` rows with no minutes, 1-59 minutes or 60 and more.
    """
    season = season or str(rows["season"].max())
    rows = rows[rows["season"] >= first_learnt(season)]
    inputs, minutes = tree_inputs(vectors_of(rows)), rows["minutes"].to_numpy()
    recent = (rows["season"] >= seasons_before(season, MINUTES_SEASONS)).to_numpy()
    played, full = minutes > 0, minutes >= FULL
    some = played & ~full
    for name, chosen in (("0", ~played), ("1-59", some), ("60 or more", full)):
        if (chosen & recent).sum() < LEAST_MATCHES:
            count = (chosen & recent).sum()
            raise ValueError(f"training needs {LEAST_MATCHES} matches with {name} minutes, there are {count}")
    points = rows["result"].to_numpy(np.int64)
    wanted = (points - _defending(rows)).astype(float)
    positions = rows["position_number"].to_numpy(np.int64)
    with ThreadPoolExecutor(THREADS) as pool:
        plays = pool.submit(boost_chance, PLAYS, inputs[recent], played[recent])
        direct = pool.submit(boost_mean, DIRECT, inputs[played], wanted[played])
        full_points = pool.submit(boost_mean, FULL_POINTS, inputs[full], wanted[full])
        lasts = pool.submit(boost_chance, LASTS, inputs[recent & played], full[recent & played])
        some_points = pool.submit(boost_mean, SOME_POINTS, inputs[some], wanted[some])
        ratios = pool.submit(_ratios, rows[recent], inputs[recent], played[recent])
        ageing = _ageing(rows[rows["season"] >= seasons_before(season, AGEING_SEASONS)], plays.result())
    return PointsModel(
        plays=plays.result(),
        lasts=lasts.result(),
        some_points=some_points.result(),
        full_points=full_points.result(),
        direct=direct.result(),
        ratios=ratios.result(),
        ageing=ageing,
        tilts=tilt_table(points[played], positions[played], full[played], len(POSITION_NUMBER)),
    )


def first_learnt(season: str) -> str:
    """The first season that a fit which forecasts a season learns from."""
    return max(FIRST_SEASON, seasons_before(season, POINTS_SEASONS))


def seasons_before(season: str, count: int) -> str:
    """The season so many before: `2223` is three before `2526`."""
    first = int(season[:2]) - count
    return f"{first:02d}{first + 1:02d}"


def add_matches(forecasts: Sequence[PointsForecast]) -> tuple[FloatArray, PointsDistribution]:
    """Mean points (n,) and distributions of a gameweek's matches together: none for a blank one is no forecast.

    forecasts: one for each match of the same n players, taken to be independent. Raises ValueError for none.
    """
    if not forecasts:
        raise ValueError("a gameweek without a match has no forecast: its points are 0")
    together = forecasts[0].distribution
    for other in forecasts[1:]:
        together = together.plus(other.distribution)
    return np.asarray(sum(each.points for each in forecasts)), together


def _logistic(odds: FloatArray) -> FloatArray:
    return np.asarray(1 / (1 + np.exp(-odds)))


def _defending(rows: pd.DataFrame) -> IntArray:
    """Points (n,) of rows of `PointsFeatures` that were for defending."""
    names = {number: name for name, number in POSITION_NUMBER.items()}
    positions = rows["position_number"].astype("int64").map(names)
    return defensive_points(rows[["season", "defensive_contribution"]].assign(position=positions))


def _ratios(rows: pd.DataFrame, inputs: Float32Array, played: NDArray[np.bool_]) -> FloatArray:
    """Ratios by flag, from chances of each second gameweek that were learnt from the others."""
    flags, odd = rows["flag"].to_numpy(np.int64), (rows["gameweek"].to_numpy() % 2 == 1)
    flagged = flags > 0
    chances = np.zeros(len(rows))
    for half in (flagged & odd, flagged & ~odd):
        if half.any() and not half.all():
            learnt = boost_chance(PLAYS, inputs[~half], played[~half])
            chances[half] = _logistic(margins(learnt, inputs[half]))
    return learn_ratios(flags, chances, played)


def _ageing(rows: pd.DataFrame, plays: xgboost.Booster) -> Ageing:
    parts = [part for ahead in range(WEEKS) if len(part := later_rows(rows, ahead, AGEING_WEEKS))]
    if not parts:
        return NO_AGEING
    asked = pd.concat(parts, ignore_index=True)
    vectors = vectors_of(asked)
    odds = margins(plays, tree_inputs(vectors))
    return learn_ageing(odds, weeks_ahead(vectors), asked["minutes"].to_numpy() > 0)
