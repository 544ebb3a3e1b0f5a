"""Feature tables of players: `PlayerForm` and `PlayerMarket`."""

import pandas as pd

from matchday.features.coming_market import coming_appearances
from matchday.features.player_form import player_form
from matchday.features.player_market import player_market
from matchday.lake import Lake
from matchday.tables import Availability, Fixtures, Players


def player_tables(
    appearances: pd.DataFrame,
    teams: pd.DataFrame,
    availability: pd.DataFrame | None = None,
    since: str = "",
    coming: pd.DataFrame | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """`PlayerForm` and `PlayerMarket` of all seasons, or of those from `since` on.

    Rows of `Appearances`, `Teams` and `Availability`; coming: those of the gameweek that nobody has played in yet, as
    `matchday.features.coming_market` makes them. Rows of a season depend on nothing later.
    """
    market_of = appearances if coming is None or coming.empty else pd.concat([appearances, coming], ignore_index=True)
    tables = player_form(appearances, set(teams["season"]), coming), player_market(market_of, availability)
    form, market = (table[table["season"] >= since].reset_index(drop=True) for table in tables)
    return form, market


def tables_of_the_lake(
    lake: Lake, appearances: pd.DataFrame, teams: pd.DataFrame, since: str = ""
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """`player_tables` of the history that a lake holds, with the gameweek that comes next. Raises LakeError.

    appearances, teams: all rows of these tables of the lake. A lake without availability knows no flags.
    """
    if lake.fingerprint(Availability) is None:
        return player_tables(appearances, teams, since=since)
    seen = lake.read(Availability)
    coming = coming_appearances(appearances, seen, lake.read(Fixtures), lake.read(Players))
    return player_tables(appearances, teams, seen, since, coming)
