"""Feature vectors of `total-goals`, with the goals of each match."""

import pandas as pd
import pandera.pandas as pa
from pandera.typing.pandas import Series

from matchday.tables.table import MATCH_ID, SEASON, TEAM, Moment, Table


class GoalsFeatures(Table):
    """One row for each match as known just before kick-off. Key: match_id. Sorted by kickoff, then match_id.

    event_time: the moment as of which the features were read, before kickoff. result: goals of both teams. The feature
    columns are those of `team_ratings` for the home and the away team; league_*: ratings that all teams share.
    """

    match_id: Series[str] = pa.Field(str_matches=MATCH_ID)
    season: Series[str] = pa.Field(str_matches=SEASON)
    kickoff: Series[Moment]
    event_time: Series[Moment]
    home: Series[str] = pa.Field(str_matches=TEAM)
    away: Series[str] = pa.Field(str_matches=TEAM)
    result: Series[int] = pa.Field(ge=0, le=30)
    league_level: Series[float] = pa.Field(ge=-3, le=3)
    league_home_edge: Series[float] = pa.Field(ge=-2, le=2)
    home_attack: Series[float] = pa.Field(ge=-3, le=3)
    home_defence: Series[float] = pa.Field(ge=-3, le=3)
    away_attack: Series[float] = pa.Field(ge=-3, le=3)
    away_defence: Series[float] = pa.Field(ge=-3, le=3)

    class Config(Table.Config):
        unique = ["match_id"]

    @pa.dataframe_check(error="event_time is before kickoff")
    def known_before_kickoff(cls, rows: pd.DataFrame) -> pd.Series:
        return rows["event_time"] < rows["kickoff"]
