"""Later gameweeks: forecasts of matches up to eight weeks ahead from what is known now.

What is known of a player ages: who is sure to play tomorrow is less sure to play in six weeks. For each week ahead the
log odds of playing are shifted and flattened, as learnt from past gameweeks and what became of their players later.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from matchday.durations import DAY
from matchday.features.services import LONGEST_AHEAD
from matchday.models.player_points.inputs import WEEKS

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

KEYS = ["season", "gameweek"]
OF_THE_MATCH = ("match_id", "kickoff", "opponent", "minutes", "defensive_contribution", "result", "home")
"""Columns that a later match brings with it; all others stay as they are known now."""
LEAST_ROWS = 500
"""Rows of a week ahead that its two numbers are learnt from."""
PENALTY = 5.0
"""Of the two numbers' distance from a forecast of the coming gameweek, in rows."""


@dataclass(frozen=True)
class Ageing:
    """By weeks ahead, (8,): what the log odds of playing are multiplied by, and what is added."""

    slopes: FloatArray
    shifts: FloatArray


NO_AGEING = Ageing(np.ones(WEEKS), np.zeros(WEEKS))


def later_rows(rows: pd.DataFrame, ahead: int, weeks: frozenset[int] | None = None) -> pd.DataFrame:
    """Rows of `PointsFeatures` for matches so many gameweeks after the one that the features are of.

    rows: of `PointsFeatures`. A player without a match in either gameweek has no row, nor has one whose next opponent
    has no match in the gameweek from which its ratings are read. weeks: gameweeks to look ahead from; None for all.
    """
    now = rows if weeks is None else rows[rows["gameweek"].isin(weeks)]
    now = now.drop_duplicates([*KEYS, "player"])
    then = rows[[*KEYS, "player", *OF_THE_MATCH]].assign(gameweek=rows["gameweek"] - ahead)
    found = now.drop(columns=list(OF_THE_MATCH)).merge(then, on=[*KEYS, "player"])
    ratings = now.drop_duplicates([*KEYS, "team"])[[*KEYS, "team", "team_attack", "team_defence"]]
    ratings.columns = pd.Index([*KEYS, "opponent", "opponent_attack", "opponent_defence"])
    found = found.drop(columns=["opponent_attack", "opponent_defence"]).merge(ratings, on=[*KEYS, "opponent"])
    days = (found["kickoff"] - found["event_time"]).dt.total_seconds() / DAY
    return found.assign(days_ahead=days.clip(0.0, LONGEST_AHEAD))[list(rows.columns)]


def learn_ageing(odds: FloatArray, weeks: IntArray, played: NDArray[np.bool_]) -> Ageing:
    """Fit log odds (n,) that a forecast of the coming gameweek gives to who played, (n,), by weeks ahead, (n,).

    Each week is compared with the coming gameweek, as the forecasts have seen the rows that they are fitted on.
    """
    slopes, shifts = np.ones(WEEKS), np.zeros(WEEKS)
    fits = {week: logistic_line(odds[weeks == week], played[weeks == week]) for week in range(WEEKS)}
    for week in range(1, WEEKS):
        if min((weeks == week).sum(), (weeks == 0).sum()) >= LEAST_ROWS:
            slopes[week] = fits[week][0] / fits[0][0]
            shifts[week] = fits[week][1] - fits[0][1] * slopes[week]
    return Ageing(slopes, shifts)


def logistic_line(odds: FloatArray, happened: NDArray[np.bool_]) -> tuple[float, float]:
    """Slope and shift of log odds (n,) that make what happened, (n,), likeliest, penalised. Newton's method."""
    theta = start = np.array([1.0, 0.0])
    design = np.column_stack([odds, np.ones(len(odds))])
    for _ in range(30):
        chance = 1 / (1 + np.exp(-design @ theta))
        gradient = design.T @ (happened - chance) - PENALTY * (theta - start)
        information = (design * (chance * (1 - chance))[:, None]).T @ design + PENALTY * np.eye(2)
        step = np.linalg.solve(information, gradient)
        theta = theta + np.clip(step, -0.5, 0.5)
        if np.abs(step).max() < 1e-9:
            break
    return float(theta[0]), float(theta[1])
