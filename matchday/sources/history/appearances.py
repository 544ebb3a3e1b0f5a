"""Player rows of the bundled history: who played, for whom, in which match."""

from typing import Any

import pandas as pd

from matchday.errors import MatchdayError
from matchday.sources.history.archive import DETAILED, Archive
from matchday.sources.history.registrations import Registration, Registrations, made_up
from matchday.tables.table import match_ids
from matchday.unrecorded import blank_unrecorded

COLUMNS = {
    "played_for": "team",
    "expected_goals": "xg",
    "expected_assists": "xa",
    "expected_goals_conceded": "xgc",
}
"""Columns whose published name is not ours."""

PLAYED = [
    "minutes",
    "points",
    "goals",
    "assists",
    "clean_sheets",
    "conceded",
    "own_goals",
    "saves",
    "bonus",
    "bps",
]
RARE = ["penalties_saved", "penalties_missed", "yellow_cards", "red_cards"]
MARKET = ["value", "selected", "transfers_in", "transfers_out"]
COUNTS = [*PLAYED, *RARE, *MARKET]
INDICES = ["influence", "creativity", "threat"]
LATER_COUNTS = [
    "starts",
    "tackles",
    "recoveries",
    "clearances_blocks_interceptions",
    "defensive_contribution",
]
LATER_INDICES = ["xg", "xa", "xgc"]

LAST_WEEK = 38
"""Gameweek numbers above it are those of 19/20 after its pause, nine too high."""


def joined(archive: Archive, played: pd.DataFrame) -> pd.DataFrame:
    """All published player rows of the complete seasons, each with its match: Appearances plus web_name.

    played: the results; the day of their kick-off is used. Raises MatchdayError for a row that fits none.
    """
    known = Registrations(archive)
    return pd.concat([_season(archive, season, known, played) for season in DETAILED], ignore_index=True)


def distinct(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows in order, each once: 36 of 23/24 are published twice, under two spellings of one player."""
    order = ["season", "player", "kickoff", "match_id"]
    return rows.drop_duplicates().sort_values(order, ignore_index=True)


def players(rows: pd.DataFrame) -> pd.DataFrame:
    """The Players of the complete seasons: each one's last row of the season says position and team."""
    last = rows.groupby(["season", "player"], sort=True, as_index=False).tail(1)
    last = last[["season", "player", "name", "web_name", "position", "team"]]
    return last.sort_values(["season", "player"], ignore_index=True)


def kickoffs(rows: pd.DataFrame) -> dict[str, pd.Timestamp]:
    """The kick-off of each match by the player rows. Raises MatchdayError when two rows disagree."""
    times = rows[["match_id", "kickoff"]].drop_duplicates()
    if times["match_id"].duplicated().any():
        wrong = times.loc[times["match_id"].duplicated(), "match_id"].iloc[0]
        raise MatchdayError(f"player rows disagree on the kick-off of {wrong}")
    return dict(zip(times["match_id"], times["kickoff"], strict=True))


def _season(archive: Archive, season: str, known: Registrations, played: pd.DataFrame) -> pd.DataFrame:
    people: dict[str, list[dict[str, Any]]] = archive.tree(f"player_details_{season}.json")
    rows = pd.DataFrame([{"label": label, **row} for label, them in people.items() for row in them])
    rows = rows.rename(columns=COLUMNS)
    rows["kickoff"] = pd.to_datetime(rows["kickoff_time"], utc=True).astype("datetime64[us, UTC]")
    rows = rows.merge(_identities(season, rows, known), on="label", validate="many_to_one")
    home = _home(rows, played[played["season"] == season])
    first, second = rows["team"].where(home, rows["opponent"]), rows["opponent"].where(home, rows["team"])
    seasons = pd.Series(season, index=rows.index)
    who = rows[["kickoff", "player", "name", "web_name", "team", "opponent", "position"]]
    match = match_ids(seasons, first, second)
    numbers = rows.reindex(columns=[*COUNTS, *INDICES, *LATER_COUNTS, *LATER_INDICES]).apply(pd.to_numeric)
    typed = numbers.astype(
        dict.fromkeys(COUNTS, "int64")
        | dict.fromkeys([*INDICES, *LATER_INDICES], "float64")
        | dict.fromkeys(LATER_COUNTS, "Int64")
    )
    return blank_unrecorded(who.assign(season=seasons, gameweek=_gameweek(rows), match_id=match, home=home).join(typed))


def _gameweek(rows: pd.DataFrame) -> pd.Series:
    week = pd.to_numeric(rows["gameweek"])
    return week.where(week <= LAST_WEEK, week - 9).astype("Int64")


def _home(rows: pd.DataFrame, played: pd.DataFrame) -> pd.Series:
    """Whether each row's team was at home: what the result of that day says. 25/26 does not publish it."""
    legs = played[["home", "away"]].assign(day=played["kickoff"].dt.normalize())
    sides = pd.concat(
        [
            legs.rename(columns={"home": "team", "away": "opponent"}).assign(at_home=True),
            legs.rename(columns={"away": "team", "home": "opponent"}).assign(at_home=False),
        ]
    )
    days = rows[["team", "opponent"]].assign(day=rows["kickoff"].dt.normalize())
    found = days.merge(sides, on=["team", "opponent", "day"], how="left", validate="many_to_one")["at_home"]
    wrong = found.isna() if "was_home" not in rows else found.astype(str) != rows["was_home"].astype(str)
    if wrong.any():
        odd = rows.loc[wrong.to_numpy(), ["label", "team", "opponent", "kickoff_time"]].iloc[0].to_dict()
        raise MatchdayError(f"{int(wrong.sum())} player rows fit no result, the first is {odd}")
    return found.astype(bool)


def _identities(season: str, rows: pd.DataFrame, known: Registrations) -> pd.DataFrame:
    """label, player, name, web_name for each label of a season.

    23/24 has four players under two spellings, the old one for the first weeks: both get the same code.
    """
    last = rows.sort_values("kickoff").groupby("label").tail(1)
    found = []
    for label, team, position in last[["label", "team", "position"]].itertuples(index=False):
        who = known.opta(season, label) if label[:1] == "p" and label[1:].isdigit() else None
        who = who or known.find(season, label, team, position)
        found.append(_identity(label, who))
    return pd.DataFrame(found, columns=["label", "player", "name", "web_name"])


def _identity(label: str, who: Registration | None) -> tuple[str, int, str, str | None]:
    if who is None:
        return label, made_up(label), label, None
    return label, who.code, who.name, who.web_name
