"""Feature vectors of players before matches, with what happened."""

import pandas as pd
import pandera.pandas as pa
from pandera.typing.pandas import Series

from matchday.tables.table import MATCH_ID, SEASON, TEAM, Moment, Table


class PointsFeatures(Table):
    """One row for each player and match as known at the gameweek's deadline. Key: match_id, player.

    Sorted by kickoff, match_id, player. event_time: the deadline, as of which the features were read. team, opponent,
    minutes, defensive_contribution: of the match, as in `Appearances`; the latter two are learnt from and never known
    before. result: points.

    The feature columns are those of `player_market` and `player_form`, of `team_ratings` for both clubs, and of
    `team_form` for his own; days_ahead: days from the deadline to the kick-off, at most 56; team_rest_days: since his
    club's last kick-off, at most 14; home: 1 at home, else 0.
    """

    match_id: Series[str] = pa.Field(str_matches=MATCH_ID)
    season: Series[str] = pa.Field(str_matches=SEASON)
    kickoff: Series[Moment]
    event_time: Series[Moment]
    player: Series[int] = pa.Field(ne=0)
    team: Series[str] = pa.Field(str_matches=TEAM)
    opponent: Series[str] = pa.Field(str_matches=TEAM)
    minutes: Series[int] = pa.Field(ge=0, le=130)
    defensive_contribution: Series[pd.Int64Dtype] = pa.Field(ge=0, nullable=True)
    result: Series[int] = pa.Field(ge=-20, le=60)
    gameweek: Series[float] = pa.Field(ge=1, le=38)
    gameweek_matches: Series[float] = pa.Field(ge=0)
    position_number: Series[float] = pa.Field(ge=0, le=3)
    price: Series[float] = pa.Field(ge=0)
    price_change: Series[float]
    week_price_change: Series[float]
    club_weeks: Series[float] = pa.Field(ge=0)
    owned: Series[float] = pa.Field(ge=0, le=1)
    owned_change: Series[float]
    owned_growth: Series[float]
    bought: Series[float] = pa.Field(ge=0)
    sold: Series[float] = pa.Field(ge=0)
    net: Series[float]
    last_net: Series[float]
    net_ratio: Series[float]
    bought_ratio: Series[float] = pa.Field(ge=0)
    sold_ratio: Series[float] = pa.Field(ge=0)
    balance: Series[float] = pa.Field(ge=0, le=1)
    price_rank: Series[float] = pa.Field(ge=0)
    owned_rank: Series[float] = pa.Field(ge=0)
    bought_rank: Series[float] = pa.Field(ge=0)
    club_price_rank: Series[float] = pa.Field(ge=0)
    club_owned_rank: Series[float] = pa.Field(ge=0)
    owned_share: Series[float] = pa.Field(ge=0, le=1)
    bought_share: Series[float] = pa.Field(ge=0, le=1)
    rivals_sold: Series[float] = pa.Field(ge=0)
    club_bought: Series[float] = pa.Field(ge=0)
    price_gap: Series[float]
    defensive_points: Series[float] = pa.Field(ge=0)
    flag: Series[float] = pa.Field(ge=0, le=6)
    days_ahead: Series[float] = pa.Field(ge=0, le=56)
    ever_matches: Series[float] = pa.Field(ge=0)
    season_matches: Series[float] = pa.Field(ge=0)
    missed: Series[float] = pa.Field(ge=0)
    minutes_1: Series[float] = pa.Field(ge=0, le=130)
    minutes_2: Series[float] = pa.Field(ge=0, le=130)
    minutes_3: Series[float] = pa.Field(ge=0, le=130)
    minutes_4: Series[float] = pa.Field(ge=0, le=130)
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
    league_level: Series[float] = pa.Field(ge=-3, le=3)
    league_home_edge: Series[float] = pa.Field(ge=-2, le=2)
    team_attack: Series[float] = pa.Field(ge=-3, le=3)
    team_defence: Series[float] = pa.Field(ge=-3, le=3)
    team_rest_days: Series[float] = pa.Field(ge=0, le=14)
    opponent_attack: Series[float] = pa.Field(ge=-3, le=3)
    opponent_defence: Series[float] = pa.Field(ge=-3, le=3)
    home: Series[float] = pa.Field(isin=[0.0, 1.0])

    class Config(Table.Config):
        unique = ["match_id", "player"]
        metadata = {"sorted_by": ["kickoff", "match_id", "player"]}

    @pa.dataframe_check(error="event_time is before kickoff")
    def known_before_kickoff(cls, rows: pd.DataFrame) -> pd.Series:
        return rows["event_time"] < rows["kickoff"]
