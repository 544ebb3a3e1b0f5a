"""The reported backtest of `player-points`: four seasons, refitted every four gameweeks, beside simple forecasts."""

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from matchday.sources.snapshot import Snapshot


@dataclass(frozen=True)
class Measured:
    """A number of the backtest. bar: what it has to be, `<= 1.92`; empty where it is only shown."""

    what: str
    value: float
    unit: str = "points"
    bar: str = ""


@dataclass(frozen=True)
class PointsBacktest:
    """What a backtest found.

    measures: the rows of the table of results, in order. forecasters: RMSE of the model (`player-points`) and of simple
    forecasts: forecaster, seasons, rows, all, played. by_season: season, rows, played, rmse, rmse_given, eleven, inside
    (share of the randomised PIT from .1 to .9). categories: OpenFPL's: category, rows, rmse, openfpl. horizons:
    weeks_ahead (0 the coming gameweek), rows, rmse. calibration: of the chance to play in ten bins: said, happened,
    rows. forecasts: a row for each player and match: season, gameweek, match_id, player, position, minutes, points,
    forecast, given, plays, pit. seconds: of the model's features and walk, without the simple forecasts.
    """

    measures: tuple[Measured, ...]
    forecasters: pd.DataFrame
    by_season: pd.DataFrame
    categories: pd.DataFrame
    horizons: pd.DataFrame
    calibration: pd.DataFrame
    forecasts: pd.DataFrame
    seconds: float


def points_backtest(snapshot: Snapshot, progress: Callable[[int, int], None] | None = None) -> PointsBacktest:
    """Walk the bundled history. progress is called with (gameweeks done, gameweeks in all). Raises SnapshotError."""
    raise NotImplementedError
