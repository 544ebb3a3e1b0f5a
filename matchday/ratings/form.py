"""Recent form: what a team made of its last matches."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np

LENGTH = 10


@dataclass(frozen=True)
class Performance:
    """One match from one side: points, goals and expected goals for and against."""

    points: float
    goals_for: float
    goals_against: float
    xg_for: float
    xg_against: float


AVERAGE = Performance(points=1.37, goals_for=1.38, goals_against=1.38, xg_for=1.38, xg_against=1.38)
"""A middling match: what teams of the very first season start from."""
PROMOTED = Performance(points=1.0, goals_for=1.05, goals_against=1.65, xg_for=1.1, xg_against=1.65)
"""A promoted team's match: what a team starts from that was not in the league last season."""


@dataclass(frozen=True)
class FormState:
    """The last ten performances of every team of the season, oldest first, and its last kick-off."""

    recent: Mapping[str, tuple[Performance, ...]] = field(default_factory=dict)
    last_kickoff: Mapping[str, datetime] = field(default_factory=dict)


def open_season(state: FormState, teams: Iterable[str]) -> FormState:
    """Keep the form of the teams that stay; the others start from the prior."""
    prior = (PROMOTED if state.recent else AVERAGE,) * LENGTH
    now = sorted(teams)
    return FormState(
        recent={team: state.recent.get(team, prior) for team in now},
        last_kickoff={team: state.last_kickoff[team] for team in now if team in state.last_kickoff},
    )


def observe(
    state: FormState,
    time: datetime,
    home: str,
    away: str,
    goals: tuple[int, int],
    xg: tuple[float, float],
) -> FormState:
    """The state after one more match. goals, xg: of home and away; goals stand in for expected goals that are NaN."""
    known = [float(scored) if np.isnan(one) else one for scored, one in zip(goals, xg, strict=True)]
    played = {
        home: _performance(goals[0], goals[1], known[0], known[1]),
        away: _performance(goals[1], goals[0], known[1], known[0]),
    }
    recent = {team: (*state.recent[team][1:], performance) for team, performance in played.items()}
    return replace(
        state,
        recent={**state.recent, **recent},
        last_kickoff={**state.last_kickoff, home: time, away: time},
    )


def mean_of_last(state: FormState, team: str, matches: int) -> Performance:
    """Mean performance of a team over its last matches (at most ten)."""
    last = state.recent[team][-matches:]
    fields = Performance.__dataclass_fields__
    return Performance(**{name: sum(getattr(one, name) for one in last) / len(last) for name in fields})


def _performance(scored: int, conceded: int, xg_for: float, xg_against: float) -> Performance:
    points = 3.0 if scored > conceded else 1.0 if scored == conceded else 0.0
    return Performance(points, float(scored), float(conceded), xg_for, xg_against)
