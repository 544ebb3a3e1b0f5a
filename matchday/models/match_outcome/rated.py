"""Matches with the strengths that were known before kick-off, under any settings of the ratings.

What the feature store holds is under one setting. Experiments, tuning and a simple forecaster need others.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby

import numpy as np
import pandas as pd

from matchday.features import strength
from matchday.features.strength import LeagueStrength
from matchday.features.team import FULL_TIME, Match, match_days, midnight_after, season_opening
from matchday.models.match_outcome.kind import outcome_of

GOALS = ["home_goals", "away_goals"]
OF_TEAMS = ("attack", "defence", "settled")
"""Numbers of each side; those of the league come beside them."""


def rate_matches(matches: pd.DataFrame, teams: pd.DataFrame, start: LeagueStrength | None = None) -> pd.DataFrame:
    """A row for each match: keys, goals, result, and the features of `match-outcome`, as known at the last midnight.

    matches: finished ones as `matchday.ratings.xg.with_xg` gives them. teams: the teams of every season, `Teams`.
    start: the state before any match, with its settings; by default those that are served.
    """
    return pd.concat(list(rate_seasons(matches, teams, start)), ignore_index=True)


def rate_seasons(
    matches: pd.DataFrame, teams: pd.DataFrame, start: LeagueStrength | None = None
) -> Iterator[pd.DataFrame]:
    """The same, season by season: one is rated when it is asked for."""
    ordered = matches.sort_values(["kickoff", "home"], ignore_index=True)
    members = {str(season): list(group) for season, group in teams.groupby("season")["team"]}
    state, last = start or LeagueStrength(), None
    for season, days in groupby(match_days(ordered), lambda day: day[0].season):
        state = strength.open_season(state, members[season])
        known_at = season_opening(season, last)
        numbers: list[dict[str, float]] = []
        for day in days:
            known = strength.strength_rows(state, season, known_at)
            numbers += [_numbers(known, match) for match in day]
            state, last = _observe(state, day), day[-1].kickoff
            known_at = max(midnight_after(last), last + FULL_TIME)
        rows = played(ordered[ordered["season"] == season].reset_index(drop=True)).join(pd.DataFrame(numbers))
        yield rows.sort_values(["kickoff", "match_id"], ignore_index=True)


def played(matches: pd.DataFrame) -> pd.DataFrame:
    """Keys, goals and result of finished matches, in their order."""
    said = {column: matches[column].to_numpy(np.int64) for column in GOALS}
    return matches[["match_id", "season", "kickoff", "home", "away"]].assign(**said, result=outcome_of(*said.values()))


def _observe(state: LeagueStrength, day: Sequence[Match]) -> LeagueStrength:
    for match in day:
        sides = (match.home, match.away)
        state = strength.observe(state, match.kickoff, *sides, match.goals, match.own_xg, match.xg)
    return state


def _numbers(known: dict[str, dict[str, float]], match: Match) -> dict[str, float]:
    sides = {"home": known[match.home], "away": known[match.away]}
    shared = {f"league_{name}": sides["home"][name] for name in ("level", "home_edge")}
    return {**shared, **{f"{side}_{name}": row[name] for side, row in sides.items() for name in OF_TEAMS}}
