"""Matches with the strengths that were known before kick-off, under any settings of the ratings.

What the feature service holds is under one setting. Experiments and the search of settings need others.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from matchday.features.strength import DescribedMatch, LeagueStrength, observe, open_season, strength_rows
from matchday.features.team import FULL_TIME, midnight_after, season_opening
from matchday.models.match_outcome.kind import outcome_of
from matchday.models.match_outcome.settled_goals import NAMES

GOALS = ["home_goals", "away_goals"]
COLUMNS = ("season", "kickoff", "home", "away", *GOALS, "home_xg", "away_xg", "home_stand_in", "away_stand_in")


def rate_matches(matches: pd.DataFrame, teams: pd.DataFrame, start: LeagueStrength | None = None) -> pd.DataFrame:
    """A row for each match, by kick-off: its keys, `NAMES` as known at the last midnight, goals and result.

    matches: as `with_xg_and_stand_in` gives them. teams: the teams of every season, `Teams`. start: the state before
    any match, with its settings; by default those that are served.
    """
    ordered = matches.sort_values(["kickoff", "home"], ignore_index=True)
    numbers = [row for day in _known_of_matches(ordered, teams, start or LeagueStrength()) for row in day]
    rows = ordered[["match_id", "season", "kickoff", "home", "away", *GOALS]].assign(**pd.DataFrame(numbers))
    result = outcome_of(*(rows[column].to_numpy(np.int64) for column in GOALS))
    return rows.assign(result=result).sort_values(["kickoff", "match_id"], ignore_index=True)


def vectors(rows: pd.DataFrame) -> NDArray[np.float32]:
    """Feature vectors (n, k) in the order of `NAMES`."""
    return rows[list(NAMES)].to_numpy(np.float32)


def _known_of_matches(
    ordered: pd.DataFrame, teams: pd.DataFrame, state: LeagueStrength
) -> Iterator[list[dict[str, float]]]:
    """For each day with matches, in order: the numbers of `NAMES` of each of its matches."""
    members = {str(season): list(group) for season, group in teams.groupby("season")["team"]}
    last: datetime | None = None
    for season, rows in groupby(_described(ordered), lambda match: match.season):
        state = open_season(state, members[season])
        known_at = season_opening(season, last)
        for _, found in groupby(rows, lambda match: match.kickoff.date()):
            day = list(found)
            known = strength_rows(state, season, known_at)
            yield [_numbers(known, match) for match in day]
            for match in day:
                state, last = observe(state, match), match.kickoff
            known_at = max(midnight_after(day[-1].kickoff), day[-1].kickoff + FULL_TIME)


def _described(ordered: pd.DataFrame) -> Iterator[DescribedMatch]:
    for row in zip(*(_plain(ordered[column]) for column in COLUMNS), strict=True):
        season, kickoff, home, away, *numbers = row
        goals, xg, stand_in = (tuple(numbers[first : first + 2]) for first in (0, 2, 4))
        yield DescribedMatch(season, kickoff.to_pydatetime(), home, away, goals, xg, stand_in)


def _plain(column: pd.Series) -> Sequence[Any]:
    return list(column.tolist())


def _numbers(known: dict[str, dict[str, float]], match: DescribedMatch) -> dict[str, float]:
    sides = {"home": known[match.home], "away": known[match.away]}
    shared = {"league_level": sides["home"]["level"], "league_home_edge": sides["home"]["home_edge"]}
    own = {f"{side}_{what}": row[what] for side, row in sides.items() for what in ("attack", "defence", "settled")}
    return {**shared, **own}
