"""Elo ratings of teams."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

PROMOTED = 1390.0
"""Rating of a team that enters the league, whether it was there before or never.

Teams that came up settle near a hundred points below the league's mean of 1500.
"""


@dataclass(frozen=True)
class EloState:
    """Ratings of the teams of the current season.

    gain: points that a certain result moves (K). home_edge: points that playing at home is worth.
    """

    ratings: Mapping[str, float] = field(default_factory=dict)
    gain: float = 15.0
    home_edge: float = 55.0


def open_season(state: EloState, teams: Iterable[str]) -> EloState:
    """Keep the ratings of the teams that stay; every other team starts at `PROMOTED`."""
    teams = sorted(teams)
    if not state.ratings:
        return replace(state, ratings=dict.fromkeys(teams, 1500.0))
    return replace(state, ratings={team: state.ratings.get(team, PROMOTED) for team in teams})


def expected_score(state: EloState, home: str, away: str) -> float:
    """Expected share of the points of the home team, draws counted half. Elo (1978)."""
    gap = state.ratings[home] + state.home_edge - state.ratings[away]
    return 1.0 / (1.0 + math.pow(10.0, -gap / 400.0))


def observe(state: EloState, home: str, away: str, home_goals: int, away_goals: int) -> EloState:
    """The state after one more result."""
    score = 1.0 if home_goals > away_goals else 0.5 if home_goals == away_goals else 0.0
    move = state.gain * (score - expected_score(state, home, away))
    moved = {home: state.ratings[home] + move, away: state.ratings[away] - move}
    return replace(state, ratings={**state.ratings, **moved})
