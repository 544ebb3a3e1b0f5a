"""Ratings of teams."""

import pandera.pandas as pa
from pandera.typing.pandas import Series

from matchday.tables.table import SEASON, TEAM, Moment, Table


class TeamRatings(Table):
    """Every team of the season at midnight after each day with matches and at the opening. Key: team, event_time.

    Sorted by event_time, then team. event_time: when the row became known, UTC. elo: Elo points, league mean 1500.
    attack, defence: log goals that the team scores above, and concedes below, a mean team. level: log goals of a
    mean team away. home_edge: log goals more at home. low_score: Dixon and Coles' dependence of low scores. The
    last three are the league's and the same for all teams at one event_time.
    """

    season: Series[str] = pa.Field(str_matches=SEASON)
    team: Series[str] = pa.Field(str_matches=TEAM)
    event_time: Series[Moment]
    elo: Series[float] = pa.Field(ge=800, le=2400)
    attack: Series[float] = pa.Field(ge=-3, le=3)
    defence: Series[float] = pa.Field(ge=-3, le=3)
    level: Series[float] = pa.Field(ge=-3, le=3)
    home_edge: Series[float] = pa.Field(ge=-2, le=2)
    low_score: Series[float] = pa.Field(ge=-0.2, le=0.1)

    class Config(Table.Config):
        unique = ["team", "event_time"]
        metadata = {"sorted_by": ["event_time", "team"]}
