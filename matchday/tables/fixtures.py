"""Matches as scheduled, played or not."""

import pandas as pd
import pandera.pandas as pa
from pandera.typing.pandas import Series

from matchday.tables.matches import in_season
from matchday.tables.table import MATCH_ID, SEASON, TEAM, Moment, Table, follows, match_ids


class Fixtures(Table):
    """One row for each scheduled match, without its result. Key: match_id. Sorted by kickoff, then match_id.

    The bundled history holds the schedule as it was last known: a match once postponed carries the gameweek
    and kickoff it was played at. gameweek: 1..38, null in 14/15. kickoff: UTC, 15:00 where only the day is
    known.
    """

    match_id: Series[str] = pa.Field(str_matches=MATCH_ID)
    season: Series[str] = pa.Field(str_matches=SEASON)
    gameweek: Series[pd.Int64Dtype] = pa.Field(ge=1, le=38, nullable=True)
    kickoff: Series[Moment]
    home: Series[str] = pa.Field(str_matches=TEAM)
    away: Series[str] = pa.Field(str_matches=TEAM)

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
