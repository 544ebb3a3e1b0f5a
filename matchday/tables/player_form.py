"""Form of players."""

import pandera.pandas as pa
from pandera.typing.pandas import Series

from matchday.tables.table import SEASON, TEAM, Moment, Table


class PlayerForm(Table):
    """One row for each player at the full time of each match of his team. Key: player, event_time. Sorted by it.

    A season also starts with rows: at its opening for every player of the season before, and at the deadline of his
    first gameweek for every player, with 0 for a player who was never seen. event_time: when the row became known, UTC.
    team: his club then, no feature.
    Counts of matches of his team while he was registered, this one among them: matches (ever), season_matches; missed:
    those since he last played, all when he never did. minutes_1 to minutes_4: of the last matches, latest first, 0
    before the first.

    played, full, minutes, each over a short, middle and long past: weighted shares (0 to 1) of matches with minutes,
    with 60 minutes or more, and mean minutes. season_minutes, season_points and those of the season right before: mean
    of a match, 0 without matches.

    nineties: weighted 90 minutes played. The columns that end in _90 are weighted sums divided by nineties + 2, so they
    start at 0: a little-known player is described as doing little. full_points: mean points of matches with 60 minutes
    or more, pulled to 2 by two matches.
    """

    season: Series[str] = pa.Field(str_matches=SEASON)
    player: Series[int] = pa.Field(ne=0)
    event_time: Series[Moment]
    team: Series[str] = pa.Field(str_matches=TEAM)
    matches: Series[int] = pa.Field(ge=0)
    season_matches: Series[int] = pa.Field(ge=0)
    missed: Series[int] = pa.Field(ge=0)
    minutes_1: Series[int] = pa.Field(ge=0, le=130)
    minutes_2: Series[int] = pa.Field(ge=0, le=130)
    minutes_3: Series[int] = pa.Field(ge=0, le=130)
    minutes_4: Series[int] = pa.Field(ge=0, le=130)
    played_short: Series[float] = pa.Field(ge=0, le=1)
    played_middle: Series[float] = pa.Field(ge=0, le=1)
    played_long: Series[float] = pa.Field(ge=0, le=1)
    full_short: Series[float] = pa.Field(ge=0, le=1)
    full_middle: Series[float] = pa.Field(ge=0, le=1)
    full_long: Series[float] = pa.Field(ge=0, le=1)
    minutes_short: Series[float] = pa.Field(ge=0, le=130)
    minutes_middle: Series[float] = pa.Field(ge=0, le=130)
    minutes_long: Series[float] = pa.Field(ge=0, le=130)
    season_minutes: Series[float] = pa.Field(ge=0, le=130)
    season_points: Series[float]
    last_season_minutes: Series[float] = pa.Field(ge=0, le=130)
    last_season_points: Series[float]
    nineties: Series[float] = pa.Field(ge=0)
    points_90: Series[float]
    goals_90: Series[float] = pa.Field(ge=0)
    assists_90: Series[float] = pa.Field(ge=0)
    bonus_90: Series[float] = pa.Field(ge=0)
    bps_90: Series[float]
    saves_90: Series[float] = pa.Field(ge=0)
    yellow_cards_90: Series[float] = pa.Field(ge=0)
    threat_90: Series[float] = pa.Field(ge=0)
    creativity_90: Series[float] = pa.Field(ge=0)
    xg_90: Series[float] = pa.Field(ge=0)
    xa_90: Series[float] = pa.Field(ge=0)
    full_points: Series[float]

    class Config(Table.Config):
        unique = ["player", "event_time"]
