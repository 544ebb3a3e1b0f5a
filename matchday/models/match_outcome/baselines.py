"""Simple forecasts that `match-outcome` must beat. Each: (past, coming) rows of `OutcomeFeatures` to (n, 3)."""

from collections.abc import Iterator, Mapping
from typing import TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from matchday.backtest import Forecaster
from matchday.models.match_outcome.settled_goals import SettledGoals, vectors_of
from matchday.ratings import elo
from matchday.ratings.elo import EloState

FloatArray = NDArray[np.float64]
AnyFloat = TypeVar("AnyFloat", np.float32, np.float64)

ELO_UNIT = 100.0
"""Elo points in one unit of `elo_gap`."""


def base_rate(past: pd.DataFrame, coming: pd.DataFrame) -> FloatArray:
    """Shares of home wins, draws and away wins so far."""
    shares = np.bincount(past["result"], minlength=3) / len(past)
    return np.tile(shares, (len(coming), 1))


def elo_ordered_logit(past: pd.DataFrame, coming: pd.DataFrame) -> FloatArray:
    """Ordered logistic regression of the result on the Elo gap. McCullagh (1980).

    Both with columns `home_elo` and `away_elo`.
    """
    result = past["result"].to_numpy()
    gap = _gap(past)

    def loss(theta: FloatArray) -> float:
        likelihood = _ordered(gap, theta)[np.arange(len(result)), result]
        return -float(np.log(np.clip(likelihood, 1e-12, None)).sum())

    best = minimize(loss, np.array([0.2, -0.9, 1.0]), method="Nelder-Mead")
    return _ordered(_gap(coming), best.x)


def goals_alone(past: pd.DataFrame, coming: pd.DataFrame) -> FloatArray:
    """The goals model with nothing learnt: no effect of being settled, no calibration."""
    del past
    return SettledGoals().predict(vectors_of(coming))


def baselines(features: pd.DataFrame) -> Mapping[str, Forecaster]:
    """The baselines by name, to be walked over rows of `features`, whose goals Elo ratings are made of."""
    ratings = elo_before_matches(features)

    def elo_logit(past: pd.DataFrame, coming: pd.DataFrame) -> FloatArray:
        return elo_ordered_logit(*(rows.join(ratings, on="match_id") for rows in (past, coming)))

    return {"base rate": base_rate, "Elo, ordered logit": elo_logit, "goals model alone": goals_alone}


def elo_before_matches(features: pd.DataFrame) -> pd.DataFrame:
    """`home_elo` and `away_elo` as known before each match, by `match_id`: from results of days before it alone."""
    return pd.DataFrame(_elo_rows(features), columns=["match_id", "home_elo", "away_elo"]).set_index("match_id")


def elo_gap(home: NDArray[AnyFloat], away: NDArray[AnyFloat]) -> NDArray[AnyFloat]:
    """Elo rating of home minus that of away, in `ELO_UNIT`, all (n,)."""
    return (home - away) / ELO_UNIT


def _elo_rows(features: pd.DataFrame) -> Iterator[tuple[str, float, float]]:
    state = EloState()
    for _, season in features.sort_values(["kickoff", "home"]).groupby("season", sort=True):
        state = elo.open_season(state, {*season["home"], *season["away"]})
        for _, day in season.groupby(season["kickoff"].dt.floor("D"), sort=True):
            columns = (day[name].tolist() for name in ("match_id", "home", "away", "home_goals", "away_goals"))
            known = state
            for match_id, home, away, *goals in zip(*columns, strict=True):
                yield match_id, known.ratings[home], known.ratings[away]
                state = elo.observe(state, home, away, *goals)


def _gap(rows: pd.DataFrame) -> FloatArray:
    return elo_gap(rows["home_elo"].to_numpy(float), rows["away_elo"].to_numpy(float))


def _ordered(gap: FloatArray, theta: FloatArray) -> FloatArray:
    """Probabilities of home, draw, away at thresholds theta[0] (home) and theta[1] (away), slope theta[2]."""
    home = expit(theta[2] * gap + theta[0])
    not_away = expit(theta[2] * gap - theta[1])
    return np.column_stack([home, np.maximum(not_away - home, 1e-9), 1 - not_away])
