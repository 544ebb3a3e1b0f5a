"""Rows of `PlayerMarket`: price, ownership and transfers, known at each gameweek's deadline and not before.

A player with two clubs in a gameweek has a row with each, which differ in his ranks only. Of a season's first gameweek
the game counts no transfers.
"""

import pandas as pd

from matchday.deadlines import deadlines
from matchday.tables import columns
from matchday.tables.player_market import PlayerMarket

SQUAD = 15
"""Players of a squad: all ownership together is that many squads."""
LEAST_OWNED = 0.0001
LARGEST_RATIO = 20.0
WEEK = ["season", "gameweek"]


def player_market(appearances: pd.DataFrame) -> pd.DataFrame:
    """Rows of `PlayerMarket` from rows of `Appearances` with a gameweek; assistant managers are left out.

    A row depends on its gameweek and on the same player's gameweeks before it in the season.
    """
    rows = appearances[(appearances["position"] != "MNG") & appearances["gameweek"].notna()]
    rows = rows.drop_duplicates([*WEEK, "player", "team"]).astype({"gameweek": "int64"})
    rows = rows.join(deadlines(rows).rename("event_time"), on=WEEK)
    rows = rows.sort_values(["player", "event_time", "team"], ignore_index=True)
    found = rows[[*WEEK, "player", "team", "position", "event_time"]].assign(price=rows["value"])
    found = _with_shares(found, rows)
    found = _with_changes(found)
    return _with_ranks(found)[columns(PlayerMarket)]


def _with_shares(found: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    single = rows.drop_duplicates([*WEEK, "player"])
    squads = (single.groupby(WEEK)["selected"].sum() / SQUAD).clip(lower=1.0).rename("squads")
    count = rows[WEEK].join(squads, on=WEEK)["squads"]
    bought, sold = rows["transfers_in"] / count, rows["transfers_out"] / count
    owned = (rows["selected"] / count).clip(upper=1.0)
    return found.assign(
        owned=owned,
        bought=bought,
        sold=sold,
        net=bought - sold,
        net_ratio=((bought - sold) / (owned + LEAST_OWNED)).clip(-LARGEST_RATIO, LARGEST_RATIO),
        bought_ratio=(bought / (owned + LEAST_OWNED)).clip(upper=LARGEST_RATIO),
        balance=(bought / (bought + sold)).fillna(0.5),
    )


def _with_changes(found: pd.DataFrame) -> pd.DataFrame:
    """What changed since the player's gameweeks before, in rows that are sorted by player and time."""
    weeks = found.drop_duplicates([*WEEK, "player"]).set_index([*WEEK, "player"])
    grouped = weeks.groupby(["season", "player"])
    changes = pd.DataFrame(
        {
            "price_change": weeks["price"] - grouped["price"].transform("first"),
            "week_price_change": weeks["price"] - grouped["price"].shift().fillna(weeks["price"]).astype("int64"),
            "owned_change": weeks["owned"] - grouped["owned"].shift().fillna(weeks["owned"]),
            "last_net": grouped["net"].shift().fillna(0.0),
        }
    )
    return found.join(changes, on=[*WEEK, "player"])


def _with_ranks(found: pd.DataFrame) -> pd.DataFrame:
    club = found.groupby([*WEEK, "team"])
    rivals = found.groupby([*WEEK, "team", "position"])
    owned_by_all = rivals["owned"].transform("sum")
    return found.assign(
        price_rank=rivals["price"].rank(ascending=False, method="min").astype("int64"),
        owned_rank=rivals["owned"].rank(ascending=False, method="min").astype("int64"),
        bought_rank=club["bought"].rank(ascending=False, method="min").astype("int64"),
        owned_share=(found["owned"] / owned_by_all.where(owned_by_all > 0, 1.0)).clip(upper=1.0),
        price_gap=found["price"] - rivals["price"].transform("max"),
    )
