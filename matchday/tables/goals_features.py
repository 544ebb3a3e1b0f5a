"""Feature vectors of `total-goals`, with the goals of each match."""

import pandera.pandas as pa
from pandera.typing.pandas import Series

from matchday.tables.match_features import MatchFeatures


class GoalsFeatures(MatchFeatures):
    """Rows of `MatchFeatures`. result: goals of both teams.

    The feature columns are those of `team_ratings` for the home and the away team; league_*: ratings that all teams
    share.
    """

    result: Series[int] = pa.Field(ge=0, le=30)
    league_level: Series[float] = pa.Field(ge=-3, le=3)
    league_home_edge: Series[float] = pa.Field(ge=-2, le=2)
    home_attack: Series[float] = pa.Field(ge=-3, le=3)
    home_defence: Series[float] = pa.Field(ge=-3, le=3)
    away_attack: Series[float] = pa.Field(ge=-3, le=3)
    away_defence: Series[float] = pa.Field(ge=-3, le=3)
