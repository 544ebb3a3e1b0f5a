"""Feature vectors of matches, with what happened."""

import pandas as pd
import pandera.pandas as pa
from pandera.typing.pandas import Series

from matchday.tables.table import MATCH_ID, SEASON, TEAM, Moment, Table


class OutcomeFeatures(Table):
    """One row for each match as known just before kick-off. Key: match_id. Sorted by kickoff, then match_id.

    event_time: the moment as of which the features were read, before kickoff. result: 0 home win, 1 draw, 2 away
    win. The feature columns are those of `team_ratings` and `team_form` for the home and the away team;
    league_*: ratings that all teams share; *_rest_days: days since the last kick-off, at most 14.
    """

    match_id: Series[str] = pa.Field(str_matches=MATCH_ID)
    season: Series[str] = pa.Field(str_matches=SEASON)
    kickoff: Series[Moment]
    event_time: Series[Moment]
    home: Series[str] = pa.Field(str_matches=TEAM)
    away: Series[str] = pa.Field(str_matches=TEAM)
    result: Series[int] = pa.Field(isin=[0, 1, 2])
    league_level: Series[float] = pa.Field(ge=-3, le=3)
    league_home_edge: Series[float] = pa.Field(ge=-2, le=2)
    league_low_score: Series[float] = pa.Field(ge=-0.2, le=0.1)
    home_elo: Series[float] = pa.Field(ge=800, le=2400)
    home_attack: Series[float] = pa.Field(ge=-3, le=3)
    home_defence: Series[float] = pa.Field(ge=-3, le=3)
    home_points_5: Series[float] = pa.Field(ge=0, le=3)
    home_goals_for_5: Series[float] = pa.Field(ge=0, le=30)
    home_goals_against_5: Series[float] = pa.Field(ge=0, le=30)
    home_xg_for_5: Series[float] = pa.Field(ge=0, le=30)
    home_xg_against_5: Series[float] = pa.Field(ge=0, le=30)
    home_points_10: Series[float] = pa.Field(ge=0, le=3)
    home_goals_for_10: Series[float] = pa.Field(ge=0, le=30)
    home_goals_against_10: Series[float] = pa.Field(ge=0, le=30)
    home_xg_for_10: Series[float] = pa.Field(ge=0, le=30)
    home_xg_against_10: Series[float] = pa.Field(ge=0, le=30)
    home_rest_days: Series[float] = pa.Field(ge=0, le=14)
    away_elo: Series[float] = pa.Field(ge=800, le=2400)
    away_attack: Series[float] = pa.Field(ge=-3, le=3)
    away_defence: Series[float] = pa.Field(ge=-3, le=3)
    away_points_5: Series[float] = pa.Field(ge=0, le=3)
    away_goals_for_5: Series[float] = pa.Field(ge=0, le=30)
    away_goals_against_5: Series[float] = pa.Field(ge=0, le=30)
    away_xg_for_5: Series[float] = pa.Field(ge=0, le=30)
    away_xg_against_5: Series[float] = pa.Field(ge=0, le=30)
    away_points_10: Series[float] = pa.Field(ge=0, le=3)
    away_goals_for_10: Series[float] = pa.Field(ge=0, le=30)
    away_goals_against_10: Series[float] = pa.Field(ge=0, le=30)
    away_xg_for_10: Series[float] = pa.Field(ge=0, le=30)
    away_xg_against_10: Series[float] = pa.Field(ge=0, le=30)
    away_rest_days: Series[float] = pa.Field(ge=0, le=14)

    class Config(Table.Config):
        unique = ["match_id"]
        metadata = {"sorted_by": ["kickoff", "match_id"]}

    @pa.dataframe_check(error="event_time is before kickoff")
    def known_before_kickoff(cls, rows: pd.DataFrame) -> pd.Series:
        return rows["event_time"] < rows["kickoff"]
