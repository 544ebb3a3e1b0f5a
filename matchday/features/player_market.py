"""Rows of `PlayerMarket`: price, ownership and transfers, known at each gameweek's deadline and not before.

Rules, each with a test:

- A player has one row in a gameweek, whatever he plays in it. With matches of two clubs it is that of the club of his
  first match: there he was when the deadline passed.
- Who changes position is ranked, and is due points for defending, in the new one.
- Of a season's first gameweek the game counts no transfers.
"""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from matchday.deadlines import deadlines
from matchday.features.player_form import FULL
from matchday.scoring import defensive_contributions, defensive_points
from matchday.tables import columns
from matchday.tables.player_market import PlayerMarket

FloatArray = NDArray[np.float64]

SQUAD = 15
"""Players of a squad: all ownership together is that many squads."""
LEAST_OWNED = 0.0001
LARGEST_RATIO = 20.0
WEEK = ["season", "gameweek"]
POSITION_NUMBER: Mapping[str, int] = MappingProxyType({"GK": 0, "DEF": 1, "MID": 2, "FWD": 3})
UNKNOWN, NEVER_FLAGGED = 0, 1
FLAG_OF_CHANCE: Mapping[int, int] = MappingProxyType({0: 2, 25: 3, 50: 4, 75: 5, 100: 6})
"""`flag` by the chance of playing, percent."""
RATE_MATCHES, POSITION_MATCHES = 6.0, 100.0
"""Matches of his position's rate of points for defending that a player starts from; and of nothing, a position."""


def player_market(appearances: pd.DataFrame, availability: pd.DataFrame | None = None) -> pd.DataFrame:
    """Rows of `PlayerMarket` from rows of `Appearances` with a gameweek; assistant managers are left out.

    availability: rows of `Availability`, none where nobody recorded it. A row depends on its gameweek and on what was
    before it: the player's gameweeks, matches that had ended, and flags that had been seen.
    """
    players = appearances[(appearances["position"] != "MNG") & appearances["gameweek"].notna()]
    players = players.astype({"gameweek": "int64"}).sort_values(["player", "kickoff"], ignore_index=True)
    players = players.join(deadlines(players).rename("event_time"), on=WEEK)
    rows = players.drop_duplicates([*WEEK, "player"], ignore_index=True)
    matches = players.groupby([*WEEK, "player"], as_index=False).agg(matches=("match_id", "size"))
    found = rows[[*WEEK, "player", "team", "position", "event_time"]].assign(
        deadline=rows["event_time"].astype("int64") // 1_000_000,
        position_number=rows["position"].map(POSITION_NUMBER).astype("int64"),
        price=rows["value"],
    )
    found = found.merge(matches, on=[*WEEK, "player"])
    found = _with_shares(found, rows)
    found = _with_changes(found)
    found = _with_ranks(found)
    found = found.assign(defensive_points=_defensive_rates(found, players), flag=_flags(found, availability))
    return found.sort_values(["player", "event_time"], ignore_index=True)[columns(PlayerMarket)]


def _with_shares(found: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    squads = (rows.groupby(WEEK)["selected"].sum() / SQUAD).clip(lower=1.0).rename("squads")
    count = rows[WEEK].join(squads, on=WEEK)["squads"]
    bought, sold = rows["transfers_in"] / count, rows["transfers_out"] / count
    owned = (rows["selected"] / count).clip(upper=1.0)
    ratios = {
        name: (moved / (owned + LEAST_OWNED)).clip(-LARGEST_RATIO, LARGEST_RATIO)
        for name, moved in (("net_ratio", bought - sold), ("bought_ratio", bought), ("sold_ratio", sold))
    }
    balance = (bought / (bought + sold)).fillna(0.5)
    return found.assign(owned=owned, bought=bought, sold=sold, net=bought - sold, **ratios, balance=balance)


def _with_changes(found: pd.DataFrame) -> pd.DataFrame:
    """What changed since the player's gameweeks before, in rows that are sorted by player and time."""
    season = found.groupby(["season", "player"])
    before = season["owned"].shift().fillna(found["owned"])
    stint = (found["team"].ne(found["team"].shift()) | found["player"].ne(found["player"].shift())).cumsum()
    return found.assign(
        price_change=found["price"] - season["price"].transform("first"),
        week_price_change=found["price"] - season["price"].shift().fillna(found["price"]).astype("int64"),
        owned_change=found["owned"] - before,
        owned_growth=np.log((found["owned"] + LEAST_OWNED) / (before + LEAST_OWNED)),
        last_net=season["net"].shift().fillna(0.0),
        club_weeks=found.groupby(stint).cumcount(),
    )


def _with_ranks(found: pd.DataFrame) -> pd.DataFrame:
    club = found.groupby([*WEEK, "team"])
    rivals = found.groupby([*WEEK, "team", "position"])
    ranks = {
        "price_rank": rivals["price"],
        "owned_rank": rivals["owned"],
        "bought_rank": club["bought"],
        "club_price_rank": club["price"],
        "club_owned_rank": club["owned"],
    }
    sums = {name: rivals[name].transform("sum") for name in ("owned", "bought", "sold")}
    return found.assign(
        **{name: group.rank(ascending=False, method="min").astype("int64") for name, group in ranks.items()},
        owned_share=_share(found["owned"], sums["owned"]),
        bought_share=_share(found["bought"], sums["bought"]),
        rivals_sold=(sums["sold"] / (sums["owned"] + LEAST_OWNED)).clip(upper=LARGEST_RATIO),
        club_bought=club["bought"].transform("sum"),
        price_gap=found["price"] - rivals["price"].transform("max"),
    )


def _share(part: pd.Series, whole: pd.Series) -> pd.Series:
    return (part / whole.where(whole > 0, 1.0)).clip(upper=1.0)


def _defensive_rates(found: pd.DataFrame, players: pd.DataFrame) -> FloatArray:
    """Mean points (n,) for defending in matches of 60 minutes, by what had ended at the deadline.

    The player's own rate, pulled by `RATE_MATCHES` towards that of his position, which `POSITION_MATCHES` without any
    pull towards 0. 0 in seasons without such points.
    """
    full = players[(players["minutes"] >= FULL) & players["season"].map(_gives_points)]
    given = pd.DataFrame(
        {"event_time": full["event_time"], "player": full["player"], "position": full["position"], "matches": 1.0}
    ).assign(points=defensive_points(full).astype(float))
    own = _sums_before(found, given, "player")
    position = _sums_before(found, given, "position")
    rate = position["points"] / (position["matches"] + POSITION_MATCHES)
    pulled = (own["points"] + RATE_MATCHES * rate) / (own["matches"] + RATE_MATCHES)
    return np.where(found["season"].map(_gives_points), pulled, 0.0)


def _gives_points(season: str) -> bool:
    return defensive_contributions(season) is not None


def _sums_before(found: pd.DataFrame, given: pd.DataFrame, by: str) -> pd.DataFrame:
    """Sums of points and matches of the gameweeks before each row, of its player or position."""
    weekly = given.groupby([by, "event_time"])[["points", "matches"]].sum()
    running = weekly.groupby(level=by).cumsum().reset_index().sort_values("event_time")
    asked = found[[by, "event_time"]].assign(place=range(len(found))).sort_values("event_time")
    joined = pd.merge_asof(asked, running, on="event_time", by=by, allow_exact_matches=False)
    return joined.sort_values("place", ignore_index=True)[["points", "matches"]].fillna(0.0)


def _flags(found: pd.DataFrame, availability: pd.DataFrame | None) -> NDArray[np.int64]:
    """The last flag (n,) that was seen before each deadline in its season."""
    if availability is None or availability.empty:
        return np.full(len(found), UNKNOWN, np.int64)
    chance = availability["chance"].map(FLAG_OF_CHANCE).fillna(NEVER_FLAGGED).astype("int64")
    seen = availability[["season", "player", "seen_at"]].assign(flag=chance).sort_values("seen_at")
    asked = found[["season", "player", "event_time"]].assign(place=range(len(found))).sort_values("event_time")
    joined = pd.merge_asof(
        asked, seen, left_on="event_time", right_on="seen_at", by=["season", "player"], allow_exact_matches=False
    ).sort_values("place")
    return joined["flag"].fillna(UNKNOWN).to_numpy(np.int64)
