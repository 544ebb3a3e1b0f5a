"""Players of the gameweek that comes next, as the game says before anybody has played in it.

Prices, ownership and transfers of a gameweek that is over stand in its appearances. Of the coming one they are what was
last observed before its deadline: the daily record of `Availability`, to be read from the deadline on.
"""

import pandas as pd

from matchday.deadlines import deadlines

READ = (
    *("season", "gameweek", "match_id", "kickoff", "player", "team", "position", "minutes"),
    *("value", "selected", "transfers_in", "transfers_out", "defensive_contribution"),
)
"""Columns of `Appearances` that form and market are made of before a match."""
SIDES = ("home", "away")
MOVED = ["transfers_in", "transfers_out"]


def coming_appearances(
    appearances: pd.DataFrame, availability: pd.DataFrame, fixtures: pd.DataFrame, players: pd.DataFrame
) -> pd.DataFrame:
    """Rows with the columns `READ` for each player's matches of the coming gameweek; none where it has appearances.

    Rows of `Appearances`, `Availability`, `Fixtures` and `Players`. The coming gameweek is the one that the newest row
    of availability is about. A player whose squads nobody knows has 0; transfers before an older gameweek are none.
    """
    if availability.empty:
        return _nothing(appearances)
    season, week = availability.sort_values("seen_at")[["season", "gameweek"]].iloc[-1]
    matches = fixtures[(fixtures["season"] == season) & (fixtures["gameweek"] == week)]
    played = (appearances["season"] == season) & (appearances["gameweek"] == week)
    if matches.empty or played.any():
        return _nothing(appearances)
    seen = availability[(availability["season"] == season) & (availability["seen_at"] < deadlines(matches).iloc[0])]
    last = seen.sort_values("seen_at").drop_duplicates("player", keep="last")
    last = last.merge(players.loc[players["season"] == season, ["player", "position"]], on="player")
    moved = last[MOVED].fillna(0).where(last["gameweek"] == week, 0).astype("int64")
    known = last[["season", "player", "team", "position"]].assign(
        gameweek=week, value=last["price"], selected=last["selected"].fillna(0).astype("int64"), **moved
    )
    clubs = pd.concat([matches[["match_id", "kickoff", side]].rename(columns={side: "team"}) for side in SIDES])
    rows = known[known["position"] != "MNG"].merge(clubs, on="team").assign(minutes=0, defensive_contribution=pd.NA)
    types = {name: appearances[name].dtype for name in READ}
    found: pd.DataFrame = rows[list(READ)].astype(types)
    return found.sort_values(["player", "kickoff"], ignore_index=True)


def _nothing(appearances: pd.DataFrame) -> pd.DataFrame:
    return appearances.loc[appearances.index[:0], list(READ)]
