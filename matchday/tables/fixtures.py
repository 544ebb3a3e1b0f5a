"""Matches as scheduled, played or not."""

import pandas as pd
import pandera.pandas as pa
from pandera.typing.pandas import Series

from matchday.tables.schedule import Schedule
from matchday.tables.table import MATCH_ID, SEASON, TEAM, Moment


class Fixtures(Schedule):
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

    class Config(Schedule.Config):
        unique = ["match_id"]
        metadata = {"sorted_by": ["kickoff", "match_id"]}
