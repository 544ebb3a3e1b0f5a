"""Simple forecasts that `match-outcome` must beat. Each: (past, coming) rows of `OutcomeFeatures` to (n, 3)."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from matchday.models.match_outcome.candidates.stacking import elo_gap, goals_forecast, vectors_of

FloatArray = NDArray[np.float64]


def base_rate(past: pd.DataFrame, coming: pd.DataFrame) -> FloatArray:
    """Shares of home wins, draws and away wins so far."""
    shares = np.bincount(past["result"], minlength=3) / len(past)
    return np.tile(shares, (len(coming), 1))


def elo_ordered_logit(past: pd.DataFrame, coming: pd.DataFrame) -> FloatArray:
    """Ordered logistic regression of the result on the Elo gap. McCullagh (1980)."""
    result = past["result"].to_numpy()
    gap = _gap(past)

    def loss(theta: FloatArray) -> float:
        likelihood = _ordered(gap, theta)[np.arange(len(result)), result]
        return -float(np.log(np.clip(likelihood, 1e-12, None)).sum())

    best = minimize(loss, np.array([0.2, -0.9, 1.0]), method="Nelder-Mead")
    return _ordered(_gap(coming), best.x)


def goals_alone(past: pd.DataFrame, coming: pd.DataFrame) -> FloatArray:
    """The goals member by itself."""
    del past
    return goals_forecast(vectors_of(coming))


BASELINES = {
    "base rate": base_rate,
    "Elo, ordered logit": elo_ordered_logit,
    "goals model alone": goals_alone,
}


def _gap(rows: pd.DataFrame) -> FloatArray:
    return elo_gap(rows["home_elo"].to_numpy(float), rows["away_elo"].to_numpy(float))


def _ordered(gap: FloatArray, theta: FloatArray) -> FloatArray:
    """Probabilities of home, draw, away at thresholds theta[0] (home) and theta[1] (away), slope theta[2]."""
    home = expit(theta[2] * gap + theta[0])
    not_away = expit(theta[2] * gap - theta[1])
    return np.column_stack([home, np.maximum(not_away - home, 1e-9), 1 - not_away])
