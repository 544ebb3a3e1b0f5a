"""Played matches."""

import pandas as pd
import pandera.pandas as pa
from pandera.typing.pandas import Series

from matchday.tables.schedule import Schedule
from matchday.tables.table import MATCH_ID, SEASON, TEAM, Moment


class Matches(Schedule):
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

    class Config(Schedule.Config):
        unique = ["match_id"]
        metadata = {"sorted_by": ["kickoff", "match_id"]}
