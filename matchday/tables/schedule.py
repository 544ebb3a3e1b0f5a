"""What holds for every match, scheduled or played."""

import pandas as pd
import pandera.pandas as pa

from matchday.tables.table import Table, follows, match_ids

MATCHES_OF_A_SEASON = 380
"""Each of 20 teams meets every other twice."""


class Schedule(Table):
    """The rules that tables of matches share; their columns are their own, in their own order."""

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
