"""Truths: rules across rows, which hold for every true season, beside the rules of the tables' schemas.

A row that breaks a truth goes to quarantine. Some truths can be waived: a person who knows better releases the row.
What no single row can be blamed for is a warning in the report of an update (`season_warnings`).
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pandas as pd

from matchday.collected.precedence import WITH_RESULT, BelievedMatch
from matchday.tables.schedule import MATCHES_OF_A_SEASON, in_season

Latest = Mapping[str, pd.DataFrame]
"""What the same source said last before the rows that are checked, by table name: one row of each subject."""

MOVED = timedelta(days=1)
"""Kick-offs further apart than this are those of two matches."""

SHOWN = 5


@dataclass(frozen=True)
class Truth:
    """A rule across rows. broken: the reason for each row that breaks it, by the row's index.

    waivable: a person may release a row that breaks it. The tables' schemas repeat the others.
    """

    name: str
    waivable: bool
    broken: Callable[[pd.DataFrame, Latest], dict[int, str]]


def _kickoff_in_another_season(rows: pd.DataFrame, _: Latest) -> dict[int, str]:
    wrong = rows[rows["kickoff"].notna() & ~in_season(rows)]
    return {at: f"kicks off on {row.kickoff:%Y-%m-%d}, not in season {row.season}" for at, row in _each(wrong)}


def _result_before_kickoff(rows: pd.DataFrame, _: Latest) -> dict[int, str]:
    early = rows[(rows["status"] == "finished") & (rows["known_at"] < rows["kickoff"])]
    return {at: f"has a result before its kick-off on {row.kickoff:%Y-%m-%d %H:%M}" for at, row in _each(early)}


def _two_results(rows: pd.DataFrame, latest: Latest) -> dict[int, str]:
    """A result that replaces another one of another day: a correction has the same kick-off."""
    before = latest["observed_fixtures"]
    ended = before[before["status"].isin(WITH_RESULT) & before["kickoff"].notna()]
    known = {old.match_id: old for _, old in _each(ended)}
    found = {}
    for at, row in _each(rows[rows["status"].isin(WITH_RESULT) & rows["kickoff"].notna()]):
        if (old := known.get(row.match_id)) is None:
            continue
        one, other = _score(old.home_goals, old.away_goals), _score(row.home_goals, row.away_goals)
        if one != other and abs(row.kickoff - old.kickoff) > MOVED:
            found[at] = f"has two results: {one} on {old.kickoff:%Y-%m-%d} and {other} on {row.kickoff:%Y-%m-%d}"
    return found


def _goals_of_players(rows: pd.DataFrame, latest: Latest) -> dict[int, str]:
    """Players' goals, and the other side's own goals, of a finished match that do not make its score.

    An award's score nobody shot: such a match is not judged.
    """
    played = latest["observed_fixtures"]
    played = played[played["status"] == "finished"].set_index("match_id")
    results = zip(played.index, played["home_goals"], played["away_goals"], strict=True)
    scores = {match: (home, away) for match, home, away in results}
    wrong = {match: told for match, told in made_scores(rows).items() if scores.get(match, told) != told}
    found = {}
    for at, row in _each(rows[rows["match_id"].isin(wrong)]):
        score, told = _score(*scores[row.match_id]), _score(*wrong[row.match_id])
        found[at] = f"is of a match that ended {score}, of which the players' goals make {told}"
    return found


def made_scores(rows: pd.DataFrame) -> dict[str, tuple[int, int]]:
    """Goals of both sides of each match, made by its players. rows: of ObservedAppearances."""
    at_home = rows["match_id"].str[5:8] == rows["team"]
    home = rows["goals"].where(at_home, rows["own_goals"]).groupby(rows["match_id"]).sum()
    away = rows["own_goals"].where(at_home, rows["goals"]).groupby(rows["match_id"]).sum()
    return {str(match): (int(home[match]), int(away[match])) for match in home.index}


TRUTHS: Mapping[str, tuple[Truth, ...]] = {
    "observed_fixtures": (
        Truth("kickoff-in-season", False, _kickoff_in_another_season),
        Truth("result-after-kickoff", False, _result_before_kickoff),
        Truth("one-result", True, _two_results),
    ),
    "observed_appearances": (Truth("goals-make-the-score", True, _goals_of_players),),
}
"""The truths of a table of observations, by its name. The first that a row breaks is its reason."""


def broken_truths(table: str, rows: pd.DataFrame, latest: Latest) -> dict[int, tuple[Truth, str]]:
    """The truth that a row breaks, and why, by the row's index. Rows that break none are not named."""
    found: dict[int, tuple[Truth, str]] = {}
    for truth in TRUTHS.get(table, ()):
        for at, reason in truth.broken(rows, latest).items():
            found.setdefault(at, (truth, reason))
    return found


def season_warnings(season: str, matches: Iterable[BelievedMatch]) -> list[str]:
    """What is odd about a season's matches as a whole, without a row to blame."""
    listed = list(matches)
    found = []
    if len(listed) != MATCHES_OF_A_SEASON:
        found.append(f"season {season} has {len(listed)} known matches, not {MATCHES_OF_A_SEASON}")
    undated = [match.match_id for match in listed if match.status == "postponed"]
    if undated:
        found.append(f"{len(undated)} of its matches have no kick-off yet: {_some(undated)}")
    if unordered := _out_of_order(listed):
        found.append(f"gameweeks are not in the order of kick-offs: {_some(unordered)}")
    return found


def _out_of_order(matches: list[BelievedMatch]) -> list[str]:
    """Teams that play a gameweek after a later one."""
    by_team: dict[str, list[tuple[datetime, int]]] = defaultdict(list)
    for match in matches:
        if match.kickoff is not None and match.gameweek is not None and match.status != "cancelled":
            for team in match.match_id.split("-")[1:]:
                by_team[team].append((match.kickoff, match.gameweek))
    return [
        f"{team} plays {later} after {earlier}"
        for team, played in sorted(by_team.items())
        for (_, earlier), (_, later) in pairwise(sorted(played))
        if later < earlier
    ]


def _each(rows: pd.DataFrame) -> list[tuple[int, Any]]:
    return list(zip(rows.index.tolist(), rows.itertuples(index=False), strict=True))


def _score(home: object, away: object) -> str:
    return f"{home}-{away}"


def _some(named: list[str]) -> str:
    more = f" and {len(named) - SHOWN} more" if len(named) > SHOWN else ""
    return ", ".join(named[:SHOWN]) + more
