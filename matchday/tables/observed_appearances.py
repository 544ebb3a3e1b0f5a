"""What a source said of a player's match, and since when it has been known."""

import pandas as pd
import pandera.pandas as pa
from pandera.typing.pandas import Series

from matchday.tables.observed import Observed
from matchday.tables.table import MATCH_ID, TEAM, Table


class ObservedAppearances(Observed):
    """Players' matches whose statistics are final. Key: source, match_id, player, known_at.

    The statistics are those of Appearances, under the same names and in the same units. team: the one he played for.
    value, selected, transfers_in, transfers_out: as at the gameweek's deadline; null in rows of an answer that does not
    have them, there the versions of ObservedPlayers say it. starts to xgc: null in seasons that do not have them.
    """

    gameweek: Series[pd.Int64Dtype] = pa.Field(ge=1, le=38, nullable=True)
    match_id: Series[str] = pa.Field(str_matches=MATCH_ID)
    player: Series[int] = pa.Field(gt=0)
    team: Series[str] = pa.Field(str_matches=TEAM)
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
    influence: Series[float] = pa.Field(ge=0)
    creativity: Series[float] = pa.Field(ge=0)
    threat: Series[float] = pa.Field(ge=0)
    value: Series[pd.Int64Dtype] = pa.Field(ge=1, le=300, nullable=True)
    selected: Series[pd.Int64Dtype] = pa.Field(ge=0, nullable=True)
    transfers_in: Series[pd.Int64Dtype] = pa.Field(ge=0, nullable=True)
    transfers_out: Series[pd.Int64Dtype] = pa.Field(ge=0, nullable=True)
    starts: Series[pd.Int64Dtype] = pa.Field(ge=0, le=1, nullable=True)
    tackles: Series[pd.Int64Dtype] = pa.Field(ge=0, nullable=True)
    recoveries: Series[pd.Int64Dtype] = pa.Field(ge=0, nullable=True)
    clearances_blocks_interceptions: Series[pd.Int64Dtype] = pa.Field(ge=0, nullable=True)
    defensive_contribution: Series[pd.Int64Dtype] = pa.Field(ge=0, nullable=True)
    xg: Series[float] = pa.Field(ge=0, le=15, nullable=True)
    xa: Series[float] = pa.Field(ge=0, le=15, nullable=True)
    xgc: Series[float] = pa.Field(ge=0, le=30, nullable=True)

    class Config(Table.Config):
        unique = ["source", "match_id", "player", "known_at"]

    @pa.dataframe_check(error="the player's team is one of the match's")
    def plays_in_it(cls, rows: pd.DataFrame) -> pd.Series:
        return (rows["match_id"].str[5:8] == rows["team"]) | (rows["match_id"].str[9:12] == rows["team"])

    @pa.dataframe_check(error="without minutes no goals, assists or saves")
    def nothing_from_the_bench(cls, rows: pd.DataFrame) -> pd.Series:
        return (rows["minutes"] > 0) | (rows[["goals", "assists", "saves"]].sum(axis=1) == 0)
