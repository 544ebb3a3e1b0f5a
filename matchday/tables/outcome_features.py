"""Feature vectors of matches, with what happened."""

import pandera.pandas as pa
from pandera.typing.pandas import Series

from matchday.tables.match_features import MatchFeatures


class OutcomeFeatures(MatchFeatures):
    """Rows of `MatchFeatures`. result: 0 home win, 1 draw, 2 away win.

    The feature columns are those of `team_strength` for the home and the away team; league_*: what all teams share.
    """

    result: Series[int] = pa.Field(isin=[0, 1, 2])
    league_level: Series[float] = pa.Field(ge=-3, le=3)
    league_home_edge: Series[float] = pa.Field(ge=-2, le=2)
    home_attack: Series[float] = pa.Field(ge=-3, le=3)
    home_defence: Series[float] = pa.Field(ge=-3, le=3)
    home_settled: Series[float] = pa.Field(isin=[0.0, 1.0])
    away_attack: Series[float] = pa.Field(ge=-3, le=3)
    away_defence: Series[float] = pa.Field(ge=-3, le=3)
    away_settled: Series[float] = pa.Field(isin=[0.0, 1.0])
