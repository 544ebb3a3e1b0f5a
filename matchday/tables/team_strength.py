"""Strength of teams."""

import pandera.pandas as pa
from pandera.typing.pandas import Series

from matchday.tables.table import SEASON, TEAM, Moment, Table


class TeamStrength(Table):
    """Every team of the season at midnight after each day with matches and at the opening. Key: team, event_time.

    Sorted by event_time, then team. event_time: when the row became known, UTC. attack, defence: log goals that the
    team scores above, and concedes below, a mean team: the mean over several memories. settled: 1 when the team has
    nothing left to play for, else 0 (`matchday.ratings.stakes`). level: log goals of a mean team away. home_edge: log
    goals more at home, with or without a crowd as it is at that moment (`matchday.ratings.home_edge`). The last two are
    the league's and the same for all teams at one event_time.
    """

    season: Series[str] = pa.Field(str_matches=SEASON)
    team: Series[str] = pa.Field(str_matches=TEAM)
    event_time: Series[Moment]
    attack: Series[float] = pa.Field(ge=-3, le=3)
    defence: Series[float] = pa.Field(ge=-3, le=3)
    settled: Series[float] = pa.Field(isin=[0.0, 1.0])
    level: Series[float] = pa.Field(ge=-3, le=3)
    home_edge: Series[float] = pa.Field(ge=-2, le=2)

    class Config(Table.Config):
        unique = ["team", "event_time"]
        metadata = {"sorted_by": ["event_time", "team"]}
