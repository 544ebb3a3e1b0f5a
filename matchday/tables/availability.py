"""What was known of a player's fitness, price and ownership, when."""

import pandas as pd
import pandera.pandas as pa
from pandera.typing.pandas import Series

from matchday.tables.table import SEASON, TEAM, Moment, Table, follows

REASONS = (
    *(
        "injury",
        "illness",
        "suspension",
        "fitness",
        "ineligible",
        "international",
        "personal",
        "loan",
        "left",
        "other",
    ),
)


class Availability(Table):
    """One row for each change of a player's flag, price or squads, of which at most one a day is of squads alone.

    Key: player, seen_at. Sorted by it. A row holds from seen_at (UTC) to the same player's next row: the as-of join is
    the latest row with seen_at before the moment asked about. The player's first row opens his history. gameweek: the
    next one to be played. price: tenths of a million. selected: squads that hold him. transfers_in, transfers_out:
    squads that have bought and sold him for that gameweek so far; null where nobody knows when counting began. chance:
    of playing the next gameweek, percent, null when nobody had flagged him. reason: why he was flagged; null without
    news. return_gameweek: the expected return, null when unknown. 25/26 from gameweek 4, squads once a day.
    """

    seen_at: Series[Moment]
    season: Series[str] = pa.Field(str_matches=SEASON)
    gameweek: Series[int] = pa.Field(ge=1, le=38)
    player: Series[int] = pa.Field(ne=0)
    team: Series[str] = pa.Field(str_matches=TEAM)
    price: Series[int] = pa.Field(ge=1, le=300)
    selected: Series[pd.Int64Dtype] = pa.Field(ge=0, nullable=True)
    transfers_in: Series[pd.Int64Dtype] = pa.Field(ge=0, nullable=True)
    transfers_out: Series[pd.Int64Dtype] = pa.Field(ge=0, nullable=True)
    chance: Series[pd.Int64Dtype] = pa.Field(isin=[0, 25, 50, 75, 100], nullable=True)
    reason: Series[str] = pa.Field(isin=REASONS, nullable=True)
    return_gameweek: Series[pd.Int64Dtype] = pa.Field(ge=1, le=38, nullable=True)

    class Config(Table.Config):
        unique = ["player", "seen_at"]

    @pa.dataframe_check(error="season is two years in a row")
    def season_of_two_years(cls, rows: pd.DataFrame) -> pd.Series:
        return follows(rows["season"])


FLAGS = ("price", "chance", "reason", "return_gameweek")
"""Columns that say more of a player than how many squads have him."""


def flag_changes(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of Availability in which a player's flag, reason or price changed, and his first ones."""
    said = rows[list(FLAGS)].astype(object).where(rows[list(FLAGS)].notna(), "")
    return rows[(said != said.groupby(rows["player"]).shift()).any(axis=1)]
