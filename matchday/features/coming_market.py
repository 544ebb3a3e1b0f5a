"""Players of matches that are to come, as the game said before the deadline of their gameweek.

Prices, ownership and transfers of a match that is over stand in its appearances. Of those to come, in the next gameweek
or in one under way, they are what was last observed before the deadline: the daily record of `Availability`, to be read
from the deadline on.
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
    """Rows with the columns `READ` for each player's matches that are to come; none where a match has appearances.

    Rows of `Appearances`, `Availability`, `Fixtures` and `Players`. To come are the matches of the gameweek that the
    newest row of availability is about, and of the one before, which may be under way: its market is that of all clubs,
    also of those that have yet to play. A player whose squads nobody knows has 0; transfers before an older gameweek
    are none.
    """
    if availability.empty:
        return _nothing(appearances)
    season, week = availability.sort_values("seen_at")[["season", "gameweek"]].iloc[-1]
    seen = availability[availability["season"] == season]
    registered = players.loc[players["season"] == season, ["player", "position"]]
    parts = []
    for each in (week - 1, week):
        matches = fixtures[(fixtures["season"] == season) & (fixtures["gameweek"] == each)]
        open_matches = matches[~matches["match_id"].isin(appearances["match_id"])]
        if len(open_matches):
            early = seen[seen["seen_at"] < deadlines(matches).iloc[0]]
            parts.append(_of_gameweek(each, open_matches, early.merge(registered, on="player")))
    if not parts:
        return _nothing(appearances)
    found = pd.concat(parts, ignore_index=True).astype({name: appearances[name].dtype for name in READ})
    return found.sort_values(["player", "kickoff"], ignore_index=True)


def _of_gameweek(week: int, matches: pd.DataFrame, seen: pd.DataFrame) -> pd.DataFrame:
    """Rows for matches of a gameweek, from what was seen of players, and their positions, before its deadline."""
    last = seen.sort_values("seen_at").drop_duplicates("player", keep="last")
    moved = last[MOVED].fillna(0).where(last["gameweek"] == week, 0).astype("int64")
    known = last[["season", "player", "team", "position"]].assign(
        gameweek=week, value=last["price"], selected=last["selected"].fillna(0).astype("int64"), **moved
    )
    clubs = pd.concat([matches[["match_id", "kickoff", side]].rename(columns={side: "team"}) for side in SIDES])
    rows = known[known["position"] != "MNG"].merge(clubs, on="team").assign(minutes=0)
    return rows.reindex(columns=list(READ))


def _nothing(appearances: pd.DataFrame) -> pd.DataFrame:
    return appearances.loc[appearances.index[:0], list(READ)]
