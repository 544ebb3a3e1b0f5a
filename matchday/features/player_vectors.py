"""Feature vectors of players before matches, all as known at the gameweek's deadline.

A player who has no row of form yet is `UNSEEN`. Form of an earlier season than the match's counts as last season's when
it is of the season right before, and `club_matches` is 0 for a club that he has not been seen with.
"""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from matchday.features.player_form import UNSEEN
from matchday.features.player_market import WEEK
from matchday.tables import columns
from matchday.tables.player_market import PlayerMarket

FloatArray = NDArray[np.float64]

POSITION_NUMBER: Mapping[str, int] = MappingProxyType({"GK": 0, "DEF": 1, "MID": 2, "FWD": 3})
FORM = tuple(UNSEEN)
MARKET = tuple(
    name for name in columns(PlayerMarket) if name not in ("season", "gameweek", "player", "team", "event_time")
)
MATCH = (
    "position_number",
    "home",
    "gameweek_number",
    "gameweek_matches",
    "attack",
    "defence",
    "goals_for",
    "goals_against",
)
"""Of the match: the player's position, the side, how many matches his club has in the gameweek, ratings of his club,
and the rates of goals of his club and of the other one."""
NAMES = (*MATCH, *MARKET, *FORM)
"""Columns of a feature vector in order."""
KEYS = (*WEEK, "match_id", "kickoff", "player", "team", "position", "deadline")


def player_vectors(
    asked: pd.DataFrame, form: pd.DataFrame, market: pd.DataFrame, ratings: pd.DataFrame
) -> pd.DataFrame:
    """Columns `KEYS` and `NAMES` for each player and match asked about, in the order given.

    asked: season, gameweek, match_id, kickoff, player, team, opponent, home, position. form, market, ratings: rows of
    `PlayerForm`, `PlayerMarket` and `TeamRatings`. Only rows known by the deadline are read, and of the market those of
    the gameweek itself. Raises ValueError when the market or the ratings lack one.
    """
    rows = asked.reset_index(drop=True).astype({"gameweek": "int64"})
    keys = [*WEEK, "player", "team"]
    rows = rows.merge(market.rename(columns={"event_time": "deadline"}), on=keys, how="left", validate="m:1")
    if rows["deadline"].isna().any():
        raise ValueError(f"no price of player {rows.loc[rows['deadline'].isna(), 'player'].iloc[0]} in his gameweek")
    known = _as_of(rows, form.rename(columns={"team": "last_team", "season": "last_season"}), "player", "player")
    found = rows[list(KEYS)].assign(**_match(rows, ratings), **{name: rows[name] for name in MARKET}, **_form(known))
    return found[[*KEYS, *NAMES]]


def _as_of(rows: pd.DataFrame, table: pd.DataFrame, entity: str, by: str) -> pd.DataFrame:
    """The latest row of the entity in column `by` that was known by each row's deadline; nulls where none was."""
    asked = pd.DataFrame({"deadline": rows["deadline"], entity: rows[by], "place": range(len(rows))})
    for column in ("season", "team"):
        if column != entity:
            asked[column] = rows[column]
    other = table.drop(columns=["season", "position"], errors="ignore").sort_values("event_time")
    joined = pd.merge_asof(asked.sort_values("deadline"), other, left_on="deadline", right_on="event_time", by=entity)
    return joined.sort_values("place", ignore_index=True)


def _form(known: pd.DataFrame) -> dict[str, FloatArray]:
    values = {name: known[name].fillna(UNSEEN[name]).to_numpy(float) for name in FORM}
    older = known["last_season"].ne(known["season"]).to_numpy()
    first = pd.to_numeric(known["season"].str[:2])
    before = first.sub(pd.to_numeric(known["last_season"].str[:2])).eq(1).to_numpy()
    ended = np.where(before, values["season_minutes"], 0.0)
    values["last_season_minutes"] = np.where(older, ended, values["last_season_minutes"])
    for name in ("season_minutes", "season_matches"):
        values[name] = np.where(older, 0.0, values[name])
    values["club_matches"] = np.where(known["last_team"].eq(known["team"]), values["club_matches"], 0.0)
    return values


def _match(rows: pd.DataFrame, ratings: pd.DataFrame) -> dict[str, FloatArray]:
    own = _as_of(rows, ratings, "team", "team")
    other = _as_of(rows, ratings, "team", "opponent")
    if own["attack"].isna().any() or other["attack"].isna().any():
        raise ValueError("a club has no ratings before its match")
    home = rows["home"].to_numpy(float)
    level, edge = own["level"].to_numpy(float), own["home_edge"].to_numpy(float)
    attack, defence = own["attack"].to_numpy(float), own["defence"].to_numpy(float)
    return {
        "position_number": rows["position"].map(POSITION_NUMBER).to_numpy(float),
        "home": home,
        "gameweek_number": rows["gameweek"].to_numpy(float),
        "gameweek_matches": rows.groupby([*WEEK, "player"])["match_id"].transform("size").to_numpy(float),
        "attack": attack,
        "defence": defence,
        "goals_for": np.exp(level + edge * home + attack - other["defence"].to_numpy(float)),
        "goals_against": np.exp(level + edge * (1 - home) + other["attack"].to_numpy(float) - defence),
    }
