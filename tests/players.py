"""Rows of `PointsFeatures` of real players, made once for all tests of a process."""

from functools import cache

import pandas as pd

from matchday.features.player_tables import player_tables
from matchday.features.player_vectors import points_rows
from matchday.features.team import team_tables
from matchday.models.player_points.model import PointsModel, fit
from matchday.ratings.xg import with_xg
from matchday.settings import REPOSITORY
from matchday.sources.snapshot import Snapshot
from matchday.tables import Appearances, Availability, Matches, Teams

SEASONS = ("2425", "2526")


@cache
def history() -> pd.DataFrame:
    """Rows of `Appearances` of two seasons, without assistant managers."""
    rows = Snapshot(REPOSITORY / "data").load(Appearances, SEASONS)
    return rows[rows["position"] != "MNG"].reset_index(drop=True)


@cache
def availability() -> pd.DataFrame:
    """Rows of `Availability`."""
    return Snapshot(REPOSITORY / "data").load(Availability)


@cache
def team_rows() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows of `TeamForm` and `TeamRatings`."""
    snapshot = Snapshot(REPOSITORY / "data")
    form, ratings, *_ = team_tables(with_xg(snapshot.load(Matches, SEASONS), history()), snapshot.load(Teams, SEASONS))
    return form, ratings


def rows_of(appearances: pd.DataFrame, flags: pd.DataFrame | None = None) -> pd.DataFrame:
    """Rows of `PointsFeatures` of some appearances, with the ratings of the true history."""
    teams = pd.DataFrame({"season": sorted(appearances["season"].unique())})
    form, market = player_tables(appearances, teams, flags)
    team_form, team_ratings = team_rows()
    tables = {"player_form": form, "player_market": market, "team_form": team_form, "team_ratings": team_ratings}
    return points_rows(appearances, tables)


CLUBS = ("ARS", "LEI", "SUN")
"""One that stayed, one that went, one that came."""


@cache
def few() -> pd.DataFrame:
    """Rows of `PointsFeatures` of the players of `CLUBS`."""
    return rows_of(history()[history()["team"].isin(CLUBS)], availability())


@cache
def past() -> pd.DataFrame:
    """Those of `few` until the middle of the second season."""
    return few()[(few()["season"] == SEASONS[0]) | (few()["gameweek"] <= 19)].reset_index(drop=True)


@cache
def model() -> PointsModel:
    """A model that has learnt from `past`."""
    return fit(past())
