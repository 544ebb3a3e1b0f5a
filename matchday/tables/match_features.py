"""What tables of feature vectors of matches have in common: key, moments, teams, order."""

import pandas as pd
import pandera.pandas as pa
from pandera.typing.pandas import Series

from matchday.tables.table import MATCH_ID, SEASON, TEAM, Moment, Table


class MatchFeatures(Table):
    """One row for each match as known just before kick-off. Key: match_id. Sorted by kickoff, then match_id.

    event_time: the moment as of which the features were read, before kickoff. home_goals, away_goals: what happened,
    as a subclass's `result` says it in the model's terms.
    """

    match_id: Series[str] = pa.Field(str_matches=MATCH_ID)
    season: Series[str] = pa.Field(str_matches=SEASON)
    kickoff: Series[Moment]
    event_time: Series[Moment]
    home: Series[str] = pa.Field(str_matches=TEAM)
    away: Series[str] = pa.Field(str_matches=TEAM)
    home_goals: Series[int] = pa.Field(ge=0, le=30)
    away_goals: Series[int] = pa.Field(ge=0, le=30)

    class Config(Table.Config):
        unique = ["match_id"]
        metadata = {"sorted_by": ["kickoff", "match_id"]}

    @pa.dataframe_check(error="event_time is before kickoff")
    def known_before_kickoff(cls, rows: pd.DataFrame) -> pd.Series:
        return rows["event_time"] < rows["kickoff"]
