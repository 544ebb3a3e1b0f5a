"""Teams of each season."""

import pandas as pd
import pandera.pandas as pa
from pandera.typing.pandas import Series

from matchday.tables.table import SEASON, TEAM, Table, follows


class Teams(Table):
    """One row for each team in each season's league. Key: season, team. Sorted by it.

    name: what people call the team ("Arsenal"), the same in every season.
    """

    season: Series[str] = pa.Field(str_matches=SEASON)
    team: Series[str] = pa.Field(str_matches=TEAM)
    name: Series[str] = pa.Field(str_length={"min_value": 2})

    class Config(Table.Config):
        unique = ["season", "team"]

    @pa.dataframe_check(error="season is two years in a row")
    def season_of_two_years(cls, rows: pd.DataFrame) -> pd.Series:
        return follows(rows["season"])

    @pa.dataframe_check(error="a team has one name in all seasons")
    def one_name(cls, rows: pd.DataFrame) -> pd.Series:
        return rows.groupby("team")["name"].transform("nunique") == 1
