"""Played matches."""

import pandas as pd
import pandera.pandas as pa
from pandera.typing.pandas import Series

from matchday.tables.table import MATCH_ID, SEASON, TEAM, Moment, Table, follows, match_ids


class Matches(Table):
    """One row for each match played. Key: match_id. Sorted by kickoff, then match_id.

    gameweek: the round it was played in, 1..38; null in 14/15, whose source has none. kickoff: UTC; where the
    source has only a date, 15:00 of that day, and kickoff_exact is false. Goals are those of the result that
    stands.
    """

    match_id: Series[str] = pa.Field(str_matches=MATCH_ID)
    season: Series[str] = pa.Field(str_matches=SEASON)
    gameweek: Series[pd.Int64Dtype] = pa.Field(ge=1, le=38, nullable=True)
    kickoff: Series[Moment]
    kickoff_exact: Series[bool]
    home: Series[str] = pa.Field(str_matches=TEAM)
    away: Series[str] = pa.Field(str_matches=TEAM)
    home_goals: Series[int] = pa.Field(ge=0, le=30)
    away_goals: Series[int] = pa.Field(ge=0, le=30)

    class Config(Table.Config):
        unique = ["match_id"]

    @pa.dataframe_check(error="home and away are two teams")
    def two_teams(cls, rows: pd.DataFrame) -> pd.Series:
        return rows["home"] != rows["away"]

    @pa.dataframe_check(error="match_id is season-home-away")
    def named_by_parts(cls, rows: pd.DataFrame) -> pd.Series:
        return rows["match_id"] == match_ids(rows["season"], rows["home"], rows["away"])

    @pa.dataframe_check(error="season is two years in a row")
    def season_of_two_years(cls, rows: pd.DataFrame) -> pd.Series:
        return follows(rows["season"])

    @pa.dataframe_check(error="kickoff lies in the season, July to the second July")
    def within_season(cls, rows: pd.DataFrame) -> pd.Series:
        return in_season(rows)


def in_season(rows: pd.DataFrame) -> pd.Series:
    """True where a kick-off lies between 1 July of the season's first year and the end of the next July."""
    first = 2000 + pd.to_numeric(rows["season"].str[:2])
    since_july = (rows["kickoff"].dt.year - first) * 12 + rows["kickoff"].dt.month - 7
    return pd.Series(since_july.between(0, 12))
