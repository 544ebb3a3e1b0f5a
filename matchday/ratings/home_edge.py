"""How much playing at home is worth: it moves over years, not with teams' form, and was less behind closed doors.

The edge is the logarithm of all home goals by all away goals, with weights that fall by half in two years, pulled
towards a prior. Matches behind closed doors have an edge of their own, which starts from half of the open one: when
the league went on in June 2020, that they are played so was known, and what it does was not.
"""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from matchday.durations import DAY

CLOSED_FROM = datetime(2020, 6, 1, tzinfo=UTC)
CLOSED_UNTIL = datetime(2021, 5, 17, tzinfo=UTC)
"""Between the two, matches were played without a crowd, or almost so."""

PRIOR = 0.25
"""Log edge before any match."""
CLOSED_SHARE = 0.5
"""What is left of the edge behind closed doors, before any such match."""
MEAN_GOALS = 1.2
"""Away goals a match that a prior match counts as."""

OBSERVED = np.dtype([("time", "f8"), ("home", "U3"), ("home_goals", "f8"), ("away_goals", "f8")])


@dataclass(frozen=True)
class HomeEdgeState:
    """All matches so far.

    decay: loss of weight a day. prior_matches: how many matches the prior counts as; closed_prior_matches: the same
    for matches behind closed doors.
    """

    matches: NDArray[np.void] = field(default_factory=lambda: np.empty(0, OBSERVED))
    decay: float = 0.001
    prior_matches: float = 100.0
    closed_prior_matches: float = 60.0


@dataclass(frozen=True)
class HomeEdge:
    """Log goals that a home team scores more than an away team, with a crowd and behind closed doors."""

    open: float
    closed: float

    def at(self, moment: datetime) -> float:
        """The edge of matches of a moment."""
        return self.closed if behind_closed_doors(moment) else self.open


def behind_closed_doors(moment: datetime) -> bool:
    """Whether matches of this moment have no crowd."""
    return CLOSED_FROM <= moment < CLOSED_UNTIL


def closed_doors(times: NDArray[np.float64]) -> NDArray[np.bool_]:
    """The same for Unix seconds (n,)."""
    return (times >= CLOSED_FROM.timestamp()) & (times < CLOSED_UNTIL.timestamp())


def observe(state: HomeEdgeState, time: datetime, home: str, goals: tuple[int, int]) -> HomeEdgeState:
    """The state after one more match, of this home team."""
    row = np.array([(time.timestamp(), home, *goals)], OBSERVED)
    return replace(state, matches=np.concatenate([state.matches, row]))


def fit(state: HomeEdgeState, at: datetime) -> HomeEdge:
    """The edge as known at a moment; it depends on the set of matches before it, not on their order."""
    moment = at.timestamp()
    known = np.sort(state.matches[state.matches["time"] < moment], order=["time", "home"])
    weight = np.exp(-state.decay * (moment - known["time"]) / DAY)
    closed = closed_doors(known["time"])
    crowd = _log_ratio(known[~closed], weight[~closed], PRIOR, state.prior_matches)
    return HomeEdge(crowd, _log_ratio(known[closed], weight[closed], CLOSED_SHARE * crowd, state.closed_prior_matches))


def _log_ratio(known: NDArray[np.void], weight: NDArray[np.float64], prior: float, matches: float) -> float:
    """Logarithm of home goals by away goals, after so many prior matches."""
    home = weight @ known["home_goals"] + matches * MEAN_GOALS * np.exp(prior)
    return float(np.log(home / (weight @ known["away_goals"] + matches * MEAN_GOALS)))
