"""Players of each season."""

import pandas as pd
import pandera.pandas as pa
from pandera.typing.pandas import Series

from matchday.tables.table import POSITIONS, SEASON, TEAM, Table, follows


class Players(Table):
    """One row for each player registered in a season. Key: season, player. Sorted by it.

    player: the Fantasy Premier League code, the same in every season; negative for a player whose code no
    source has (then stable for the name). web_name: the short name on the shirt; null before 17/18. position:
    that of the season's last row (MNG: the assistant managers of 24/25). team: the last one of the season.
    """

    season: Series[str] = pa.Field(str_matches=SEASON)
    player: Series[int] = pa.Field(ne=0)
    name: Series[str] = pa.Field(str_length={"min_value": 1})
    web_name: Series[str] = pa.Field(nullable=True)
    position: Series[str] = pa.Field(isin=POSITIONS)
    team: Series[str] = pa.Field(str_matches=TEAM)

    class Config(Table.Config):
        unique = ["season", "player"]

    @pa.dataframe_check(error="season is two years in a row")
    def season_of_two_years(cls, rows: pd.DataFrame) -> pd.Series:
        return follows(rows["season"])
