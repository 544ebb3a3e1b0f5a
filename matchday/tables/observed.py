"""What a source said of the living season, and since when it has been known.

A row is a version: it holds from `known_at` to the next row of the same key and source. Rows are added, never changed.
"""

import pandas as pd
import pandera.pandas as pa
from pandera.typing.pandas import Series

from matchday.tables.table import MATCH_ID, POSITIONS, SEASON, TEAM, Moment, Table, follows

SOURCE, SHA256 = r"^[a-z_]+$", r"^[0-9a-f]{64}$"

STATUSES = ("scheduled", "postponed", "live", "finished", "abandoned", "awarded", "cancelled")
"""Of a match. finished and awarded have a result that stands."""


class Observed(Table):
    """The columns of every version. raw: sha256 of the answer that the row was read from."""

    source: Series[str] = pa.Field(str_matches=SOURCE)
    season: Series[str] = pa.Field(str_matches=SEASON)
    known_at: Series[Moment]
    raw: Series[str] = pa.Field(str_matches=SHA256)

    @pa.dataframe_check(error="season is two years in a row")
    def season_of_two_years(cls, rows: pd.DataFrame) -> pd.Series:
        return follows(rows["season"])


class ObservedTeams(Observed):
    """Teams of a league. Key: source, season, team, known_at."""

    team: Series[str] = pa.Field(str_matches=TEAM)
    name: Series[str] = pa.Field(str_length={"min_value": 2})

    class Config(Table.Config):
        unique = ["source", "season", "team", "known_at"]


class ObservedFixtures(Observed):
    """Matches as scheduled and as they ended. Key: source, match_id, known_at.

    gameweek: 1..38, null while a match has none. kickoff: UTC, null while a match has none. Goals: null before a match
    has begun.
    """

    match_id: Series[str] = pa.Field(str_matches=MATCH_ID)
    gameweek: Series[pd.Int64Dtype] = pa.Field(ge=1, le=38, nullable=True)
    kickoff: Series[Moment] = pa.Field(nullable=True)
    home: Series[str] = pa.Field(str_matches=TEAM)
    away: Series[str] = pa.Field(str_matches=TEAM)
    status: Series[str] = pa.Field(isin=STATUSES)
    home_goals: Series[pd.Int64Dtype] = pa.Field(ge=0, le=30, nullable=True)
    away_goals: Series[pd.Int64Dtype] = pa.Field(ge=0, le=30, nullable=True)

    class Config(Table.Config):
        unique = ["source", "match_id", "known_at"]

    @pa.dataframe_check(error="a match that has ended has a result")
    def ended_with_result(cls, rows: pd.DataFrame) -> pd.Series:
        ended = rows["status"].isin(["finished", "awarded"])
        return ~ended | (rows["home_goals"].notna() & rows["away_goals"].notna())


class ObservedPlayers(Observed):
    """Registered players: team, price, ownership, fitness. Key: source, season, player, known_at.

    gameweek: the next one to be played, null after the last. price: tenths of a million. selected: percent of the
    squads that hold him. transfers_in, transfers_out: of the running gameweek. chance: of playing the next gameweek,
    percent, null when nobody flagged him. return_gameweek: that of his team's first match from the day on which the
    news expects him back, null when they name none.
    """

    player: Series[int] = pa.Field(gt=0)
    name: Series[str] = pa.Field(str_length={"min_value": 1})
    web_name: Series[str] = pa.Field(str_length={"min_value": 1})
    team: Series[str] = pa.Field(str_matches=TEAM)
    position: Series[str] = pa.Field(isin=POSITIONS)
    gameweek: Series[pd.Int64Dtype] = pa.Field(ge=1, le=38, nullable=True)
    price: Series[int] = pa.Field(ge=1, le=300)
    selected: Series[float] = pa.Field(ge=0, le=100)
    transfers_in: Series[int] = pa.Field(ge=0)
    transfers_out: Series[int] = pa.Field(ge=0)
    chance: Series[pd.Int64Dtype] = pa.Field(isin=[0, 25, 50, 75, 100], nullable=True)
    news: Series[str] = pa.Field(nullable=True)
    return_gameweek: Series[pd.Int64Dtype] = pa.Field(ge=1, le=38, nullable=True)

    class Config(Table.Config):
        unique = ["source", "season", "player", "known_at"]


class ObservedOdds(Observed):
    """A bookmaker's decimal odds, never a feature. Key: source, match_id, bookmaker, closing, known_at.

    closing: as at kick-off; else some days before.
    """

    match_id: Series[str] = pa.Field(str_matches=MATCH_ID)
    bookmaker: Series[str] = pa.Field(str_length={"min_value": 1})
    closing: Series[bool]
    home: Series[float] = pa.Field(gt=1, le=1001)
    draw: Series[float] = pa.Field(gt=1, le=1001)
    away: Series[float] = pa.Field(gt=1, le=1001)

    class Config(Table.Config):
        unique = ["source", "match_id", "bookmaker", "closing", "known_at"]
