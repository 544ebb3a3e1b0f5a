"""Feature vectors of matches, with what happened."""

import pandera.pandas as pa
from pandera.typing.pandas import Series

from matchday.tables.match_features import MatchFeatures


class OutcomeFeatures(MatchFeatures):
    """Rows of `MatchFeatures`. result: 0 home win, 1 draw, 2 away win.

    The feature columns are those of `team_ratings` and `team_form` for the home and the away team; league_*: ratings
    that all teams share; *_rest_days: days since the last kick-off, at most 14.
    """

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
