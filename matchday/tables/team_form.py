"""Form of teams."""

import pandera.pandas as pa
from pandera.typing.pandas import Series

from matchday.tables.table import SEASON, TEAM, Moment, Table


class TeamForm(Table):
    """One row at every full time of a team and at every season's opening. Key: team, event_time.

    Sorted by event_time, then team. event_time: when the row became known, UTC. last_kickoff: Unix seconds of the
    team's last kick-off, 0 before its first in the league. The rest are means a match over the last 5 or 10
    matches: league points (0 to 3), goals, expected goals (goals where there are none), each for and against.
    """

    season: Series[str] = pa.Field(str_matches=SEASON)
    team: Series[str] = pa.Field(str_matches=TEAM)
    event_time: Series[Moment]
    last_kickoff: Series[int] = pa.Field(ge=0)
    points_5: Series[float] = pa.Field(ge=0, le=3)
    goals_for_5: Series[float] = pa.Field(ge=0, le=30)
    goals_against_5: Series[float] = pa.Field(ge=0, le=30)
    xg_for_5: Series[float] = pa.Field(ge=0, le=30)
    xg_against_5: Series[float] = pa.Field(ge=0, le=30)
    points_10: Series[float] = pa.Field(ge=0, le=3)
    goals_for_10: Series[float] = pa.Field(ge=0, le=30)
    goals_against_10: Series[float] = pa.Field(ge=0, le=30)
    xg_for_10: Series[float] = pa.Field(ge=0, le=30)
    xg_against_10: Series[float] = pa.Field(ge=0, le=30)

    class Config(Table.Config):
        unique = ["team", "event_time"]
        metadata = {"sorted_by": ["event_time", "team"]}
