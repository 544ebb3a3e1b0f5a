"""The rows of Appearances of a season under way.

What a player did comes from ObservedAppearances; day, opponent and gameweek come from the matches, name and position
from ObservedPlayers. What was so at the gameweek's deadline (value, selected, transfers) comes, where the source did
not say it of the very match, from the last version of the player that was known before the deadline. Transfers count
within a gameweek: they are 0 where no version of that gameweek is known. Of a player who was not known by then, value
and selected are those of his first version.
"""

from collections.abc import Iterable, Mapping

import pandas as pd
from pandera.pandas import DataFrameModel

from matchday.collected.precedence import BelievedMatch
from matchday.collected.versions import newest
from matchday.sources.fpl_appearances import MARKET
from matchday.sources.fpl_rules import TOTAL_PLAYERS
from matchday.tables import Appearances, columns
from matchday.tables.arrow import dtypes
from matchday.tables.observed import ObservedPlayers
from matchday.tables.observed_appearances import ObservedAppearances
from matchday.tables.observed_rules import ObservedRules
from matchday.unrecorded import blank_unrecorded

SEASON_OVER = 39
"""Stands for the gameweek of versions after the last deadline."""


def appearances(matches: Iterable[BelievedMatch], rows: Mapping[type[DataFrameModel], pd.DataFrame]) -> pd.DataFrame:
    """Rows of Appearances of matches with a result, not yet validated.

    rows: the versions of one season, by table. A player without a row of ObservedPlayers waits until he has one.
    """
    players = rows[ObservedPlayers].sort_values("known_at", kind="stable")
    found = _latest(rows[ObservedAppearances]).merge(_played(matches), on="match_id")
    who = players.drop_duplicates("player", keep="last")[["player", "name", "position"]]
    found = found.merge(who, on="player")
    found["home"] = found["match_id"].str[5:8] == found["team"]
    found["opponent"] = found["match_id"].str[9:12].where(found["home"], found["match_id"].str[5:8])
    market = _market(found, players, squads_in_all(rows[ObservedRules]))
    found[list(MARKET)] = found[list(MARKET)].fillna(market).fillna(0)
    return blank_unrecorded(found[columns(Appearances)].astype(dtypes(Appearances)))


def _latest(rows: pd.DataFrame) -> pd.DataFrame:
    """The newest version of each match and player; what one said of the deadline stays when a later one does not."""
    rows = rows.sort_values("known_at", kind="stable", ignore_index=True)
    rows[list(MARKET)] = rows.groupby(["match_id", "player"])[list(MARKET)].ffill()
    latest = newest(ObservedAppearances, rows).drop_duplicates(["match_id", "player"])
    return latest.drop(columns=["gameweek", "known_at"])


def _played(matches: Iterable[BelievedMatch]) -> pd.DataFrame:
    """match_id, gameweek and kickoff of the matches that Matches has."""
    listed = [
        (match.match_id, match.gameweek, match.kickoff)
        for match in matches
        if match.score is not None and match.kickoff is not None and match.status in ("finished", "awarded")
    ]
    frame = pd.DataFrame(listed, columns=["match_id", "gameweek", "kickoff"])
    return frame.astype({"match_id": object, "gameweek": "Int64", "kickoff": "datetime64[us, UTC]"})


def _market(found: pd.DataFrame, players: pd.DataFrame, totals: pd.DataFrame) -> pd.DataFrame:
    """value, selected, transfers_in and transfers_out of each row as known at its deadline; null without a version."""
    versions = players[["player", "known_at", "gameweek", "price", "selected", "transfers_in", "transfers_out"]]
    versions = versions.assign(week=versions["gameweek"].fillna(SEASON_OVER).astype("int64"))
    versions = pd.merge_asof(versions, totals, on="known_at") if len(totals) else versions.assign(total=0)
    versions = versions.sort_values(["week", "known_at"], kind="stable").drop(columns=["known_at", "gameweek"])
    asked = found[["player"]].assign(asked=found["gameweek"].fillna(0).astype("int64"), at=found.index)
    asked = asked.sort_values("asked", kind="stable")
    before, after = (
        pd.merge_asof(asked, versions, left_on="asked", right_on="week", by="player", direction=direction).set_index(
            "at"
        )
        for direction in ("backward", "forward")
    )
    said = before.where(before["week"].notna(), after)
    squads = (said["selected"] * said["total"].fillna(0) / 100).round()
    this_week = said["week"] == said["asked"]
    made = {"value": said["price"], "selected": squads}
    made |= {name: said[name].where(this_week, 0) for name in ("transfers_in", "transfers_out")}
    return pd.DataFrame(made).reindex(found.index).astype("Int64")


def squads_in_all(rules: pd.DataFrame) -> pd.DataFrame:
    """How many squads there were: columns known_at and total, by known_at."""
    said = rules[rules["name"] == TOTAL_PLAYERS].sort_values("known_at")
    return pd.DataFrame({"known_at": said["known_at"], "total": pd.to_numeric(said["value"])}).reset_index(drop=True)
