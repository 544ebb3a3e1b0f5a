"""What each player did in each match."""

import numpy as np
import pandas as pd
import pandera.pandas as pa
from pandera.typing.pandas import Series

from matchday.tables.table import MATCH_ID, POSITIONS, SEASON, TEAM, Moment, Table, match_ids


class Appearances(Table):
    """One row for each registered player and each match of his team. Key: match_id, player.

    A player who did not play has a row with minutes 0. Sorted by season, player, kickoff. Known only after
    the match, but for value (price, tenths of a million), selected, transfers_in and transfers_out (squads
    that hold, bought and sold the player before that gameweek's deadline). These four are known from the deadline on
    (`matchday.deadlines.market_known_from`), not at midnight before it. In a season under way they are as last
    observed before the deadline: see docs/sources.md. MNG rows are assistant managers (24/25): drop them for
    players.

    minutes: 0..130. points: of the fantasy game. bps: bonus point system. influence, creativity, threat:
    indices from 0; null for every player of a match of which the source has none. xg, xa, xgc: expected goals,
    assists and goals conceded while on the pitch; null before 22/23, and in 22/23 known to nobody
    before 26 December 2022 (`matchday.ratings.xg.XG_PUBLISHED`). starts: 0 or 1; tackles, recoveries,
    clearances_blocks_interceptions and defensive_contribution: counts; all null before 25/26.
    """

    season: Series[str] = pa.Field(str_matches=SEASON)
    gameweek: Series[pd.Int64Dtype] = pa.Field(ge=1, le=38, nullable=True)
    match_id: Series[str] = pa.Field(str_matches=MATCH_ID)
    kickoff: Series[Moment]
    player: Series[int] = pa.Field(ne=0)
    name: Series[str] = pa.Field(str_length={"min_value": 1})
    team: Series[str] = pa.Field(str_matches=TEAM)
    opponent: Series[str] = pa.Field(str_matches=TEAM)
    home: Series[bool]
    position: Series[str] = pa.Field(isin=POSITIONS)
    minutes: Series[int] = pa.Field(ge=0, le=130)
    points: Series[int] = pa.Field(ge=-20, le=60)
    goals: Series[int] = pa.Field(ge=0, le=15)
    assists: Series[int] = pa.Field(ge=0, le=15)
    clean_sheets: Series[int] = pa.Field(ge=0, le=1)
    conceded: Series[int] = pa.Field(ge=0, le=30)
    own_goals: Series[int] = pa.Field(ge=0, le=10)
    penalties_saved: Series[int] = pa.Field(ge=0, le=10)
    penalties_missed: Series[int] = pa.Field(ge=0, le=10)
    yellow_cards: Series[int] = pa.Field(ge=0, le=2)
    red_cards: Series[int] = pa.Field(ge=0, le=1)
    saves: Series[int] = pa.Field(ge=0, le=40)
    bonus: Series[int] = pa.Field(ge=0, le=3)
    bps: Series[int] = pa.Field(ge=-100, le=250)
    influence: Series[float] = pa.Field(ge=0, nullable=True)
    creativity: Series[float] = pa.Field(ge=0, nullable=True)
    threat: Series[float] = pa.Field(ge=0, nullable=True)
    value: Series[int] = pa.Field(ge=1, le=300)
    selected: Series[int] = pa.Field(ge=0)
    transfers_in: Series[int] = pa.Field(ge=0)
    transfers_out: Series[int] = pa.Field(ge=0)
    starts: Series[pd.Int64Dtype] = pa.Field(ge=0, le=1, nullable=True)
    tackles: Series[pd.Int64Dtype] = pa.Field(ge=0, nullable=True)
    recoveries: Series[pd.Int64Dtype] = pa.Field(ge=0, nullable=True)
    clearances_blocks_interceptions: Series[pd.Int64Dtype] = pa.Field(ge=0, nullable=True)
    defensive_contribution: Series[pd.Int64Dtype] = pa.Field(ge=0, nullable=True)
    xg: Series[float] = pa.Field(ge=0, le=15, nullable=True)
    xa: Series[float] = pa.Field(ge=0, le=15, nullable=True)
    xgc: Series[float] = pa.Field(ge=0, le=30, nullable=True)

    class Config(Table.Config):
        unique = ["match_id", "player"]
        metadata = {"sorted_by": ["season", "player", "kickoff"]}

    @pa.dataframe_check(error="team and opponent differ")
    def two_teams(cls, rows: pd.DataFrame) -> pd.Series:
        return rows["team"] != rows["opponent"]

    @pa.dataframe_check(error="match_id is season and both teams, home side first")
    def named_by_parts(cls, rows: pd.DataFrame) -> pd.Series:
        home = pd.Series(np.where(rows["home"], rows["team"], rows["opponent"]), index=rows.index)
        away = pd.Series(np.where(rows["home"], rows["opponent"], rows["team"]), index=rows.index)
        return rows["match_id"] == match_ids(rows["season"], home, away)

    @pa.dataframe_check(error="without minutes no goals, assists or saves")
    def nothing_from_the_bench(cls, rows: pd.DataFrame) -> pd.Series:
        return (rows["minutes"] > 0) | (rows[["goals", "assists", "saves"]].sum(axis=1) == 0)
