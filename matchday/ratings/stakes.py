"""Whether a team still plays for something: whether its place can still cross a line that means something.

A team for which no line is in reach plays on with less: it concedes about a sixth more goals than its ratings say. The
lines are those of the title, of the European competitions, and of relegation. Only points count: a place that goal
difference alone decides is open. A match that is postponed is one that both teams have left to play, whenever that is.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

MATCHES = 38
"""Matches of each team in a season."""
LINES = (1, 4, 5, 6, 7, 17)
"""Last places of something: the title, the Champions League (4 or 5), the Europa and Conference League, the league."""


@dataclass(frozen=True)
class StakesState:
    """Points and matches of the teams of the current season."""

    points: Mapping[str, int] = field(default_factory=dict)
    played: Mapping[str, int] = field(default_factory=dict)


def open_season(teams: Iterable[str]) -> StakesState:
    """All teams at nothing: no season before counts."""
    start = dict.fromkeys(sorted(teams), 0)
    return StakesState(start, start)


def observe(state: StakesState, home: str, away: str, home_goals: int, away_goals: int) -> StakesState:
    """The state after one more result."""
    gained = (3, 0) if home_goals > away_goals else (1, 1) if home_goals == away_goals else (0, 3)
    points = {team: state.points[team] + more for team, more in zip((home, away), gained, strict=True)}
    played = {team: state.played[team] + 1 for team in (home, away)}
    return replace(state, points={**state.points, **points}, played={**state.played, **played})


def settled(state: StakesState, deducted: Mapping[str, int] | None = None) -> frozenset[str]:
    """Teams whose place can no longer cross any of `LINES`.

    deducted: points that were taken from teams so far. A bound, as each other team's matches are looked at alone: a
    team that is named is settled, and a team whose rivals have to play each other may be so some matches earlier.
    """
    least = Counter(state.points)
    least.subtract(deducted or {})
    most = {team: points + 3 * max(0, MATCHES - state.played[team]) for team, points in least.items()}
    found = set()
    for team in state.points:
        others = state.points.keys() - {team}
        may_pass = sum(most[other] >= least[team] for other in others)
        are_out_of_reach = sum(least[other] > most[team] for other in others)
        if all(may_pass < line or are_out_of_reach >= line for line in LINES):
            found.add(team)
    return frozenset(found)
