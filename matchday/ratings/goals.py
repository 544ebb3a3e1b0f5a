"""Time-weighted attack and defence from goals and expected goals, with the Dixon-Coles correction.

A match is two Poisson observations on a common log scale:

    log rate(home) = level + home_edge + attack[home] - defence[away]
    log rate(away) = level + attack[away] - defence[home]

Maher (1982) with the time weights and the low-score dependence of Dixon and Coles (1997), ridge penalties
that pull a team towards its prior, and a mixture of goals and expected goals as the response.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from matchday.durations import DAY

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

LEVEL = 0.2
"""Prior log goals of a mean team away, 1.2: a single goalless match must not say that nobody ever scores."""
HOME_EDGE = 0.2
"""Prior log goals more at home, a fifth."""
PROMOTED_ATTACK = -0.25
"""Prior log attack of a team that enters the league: it scores about a fifth less than the mean team."""
PROMOTED_DEFENCE = -0.25
"""Prior log defence of a team that enters the league: it concedes about a quarter more."""

OBSERVED = np.dtype(
    [
        ("time", "f8"),
        ("home", "U3"),
        ("away", "U3"),
        ("home_value", "f8"),
        ("away_value", "f8"),
        ("home_goals", "f8"),
        ("away_goals", "f8"),
    ]
)


@dataclass(frozen=True)
class GoalsState:
    """The matches that still count, and who plays this season.

    decay: loss of weight a day. memory: days after which a match is forgotten. ridge: penalty on a parameter's
    distance from its prior, in units of one match; promoted_ridge: the same for a team that
    entered the league, whose prior says more than a mean team's. xg_share: weight of expected goals in the response.
    """

    matches: NDArray[np.void] = field(default_factory=lambda: np.empty(0, OBSERVED))
    teams: frozenset[str] = frozenset()
    promoted: frozenset[str] = frozenset()
    decay: float = 0.005
    memory: float = 1300.0
    ridge: float = 1.0
    promoted_ridge: float = 3.0
    xg_share: float = 0.6


@dataclass(frozen=True)
class GoalRatings:
    """A fit: log attack and log defence a team, and what all teams share."""

    attack: Mapping[str, float]
    defence: Mapping[str, float]
    level: float
    home_edge: float
    low_score: float


def open_season(state: GoalsState, teams: Iterable[str]) -> GoalsState:
    """Start a season: teams that were not in the last one get the prior of promoted teams."""
    now = frozenset(teams)
    return replace(state, teams=now, promoted=now - state.teams if state.teams else frozenset())


def observe(
    state: GoalsState,
    time: datetime,
    home: str,
    away: str,
    goals: tuple[int, int],
    xg: tuple[float, float],
) -> GoalsState:
    """The state after one more match. xg: expected goals of home and away, NaN where unknown."""
    values = [
        float(scored) if np.isnan(expected) else state.xg_share * expected + (1 - state.xg_share) * scored
        for scored, expected in zip(goals, xg, strict=True)
    ]
    row = np.array([(time.timestamp(), home, away, *values, *goals)], OBSERVED)
    kept = state.matches[state.matches["time"] > time.timestamp() - state.memory * DAY]
    return replace(state, matches=np.concatenate([kept, row]))


def fit(state: GoalsState, at: datetime) -> GoalRatings:
    """Ratings as known at a moment, from the matches observed before it.

    The result depends on the set of matches alone, not on the order in which they were observed.
    """
    moment = at.timestamp()
    time = state.matches["time"]
    known = np.sort(state.matches[(time < moment) & (time > moment - state.memory * DAY)], order=["time", "home"])
    weight = np.exp(-state.decay * (moment - known["time"]) / DAY)
    design = _Design(state, known)
    theta = design.solve(known, weight)
    low_score = _low_score(known, weight, *design.rates(theta))
    count = len(design.teams)
    return GoalRatings(
        attack=dict(zip(design.teams, theta[2 : 2 + count].tolist(), strict=True)),
        defence=dict(zip(design.teams, theta[2 + count :].tolist(), strict=True)),
        level=float(theta[0]),
        home_edge=float(theta[1]),
        low_score=low_score,
    )


class _Design:
    """Positions of the parameters (level, home edge, attacks, defences) of every observation."""

    def __init__(self, state: GoalsState, known: NDArray[np.void]) -> None:
        self.teams = sorted(state.teams.union(known["home"].tolist(), known["away"].tolist()))
        place = {team: i for i, team in enumerate(self.teams)}
        count, matches = len(self.teams), len(known)
        home = np.array([place[team] for team in known["home"]], np.int64)
        away = np.array([place[team] for team in known["away"]], np.int64)
        self.attack = 2 + np.concatenate([home, away])
        self.defence = 2 + count + np.concatenate([away, home])
        self.at_home = np.repeat([1.0, 0.0], matches)
        self.prior = np.zeros(2 + 2 * count)
        self.prior[:2] = LEVEL, HOME_EDGE
        self.penalty = np.full(2 + 2 * count, state.ridge)
        for team in state.promoted:
            attack, defence = 2 + place[team], 2 + count + place[team]
            self.prior[[attack, defence]] = PROMOTED_ATTACK, PROMOTED_DEFENCE
            self.penalty[[attack, defence]] = state.promoted_ridge

    def log_rates(self, theta: FloatArray) -> FloatArray:
        """Log rates of all observations, home sides first."""
        return np.asarray(theta[0] + theta[1] * self.at_home + theta[self.attack] - theta[self.defence])

    def rates(self, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Rates of the home and of the away sides."""
        home, away = np.split(np.exp(self.log_rates(theta)), 2)
        return home, away

    def solve(self, known: NDArray[np.void], weight: FloatArray) -> FloatArray:
        """Penalised maximum likelihood by Newton's method, always from the prior."""
        value = np.concatenate([known["home_value"], known["away_value"]])
        weights = np.concatenate([weight, weight])
        theta = self.prior.copy()
        for _ in range(30):
            rate = weights * np.exp(self.log_rates(theta))
            gradient = self._gather(weights * value - rate) - self.penalty * (theta - self.prior)
            step = np.linalg.solve(self._information(rate), gradient)
            theta = theta + np.clip(step, -1.0, 1.0)
            if np.abs(step).max() < 1e-9:
                break
        return theta

    def _gather(self, residual: FloatArray) -> FloatArray:
        size = len(self.prior)
        gained, lost = np.bincount(self.attack, residual, size), np.bincount(self.defence, residual, size)
        total = np.asarray(gained - lost, float)
        total[0] = residual.sum()
        total[1] = residual @ self.at_home
        return total

    def _information(self, rate: FloatArray) -> FloatArray:
        size = len(self.prior)
        matrix = np.zeros((size, size))
        crossed = np.bincount(self.attack * size + self.defence, rate, size * size).reshape(size, size)
        matrix -= crossed + crossed.T
        matrix[np.diag_indices(size)] = np.bincount(self.attack, rate, size) + np.bincount(self.defence, rate, size)
        matrix[0] = self._gather(rate)
        matrix[1] = self._gather(rate * self.at_home)
        matrix[:, :2] = matrix[:2].T
        matrix[np.diag_indices(size)] += self.penalty
        return matrix


def _low_score(known: NDArray[np.void], weight: FloatArray, home_rate: FloatArray, away_rate: FloatArray) -> float:
    """Dixon and Coles' dependence of the scores up to 1-1, by one-dimensional Newton steps."""
    home, away = known["home_goals"], known["away_goals"]
    slope = np.select(
        [
            (home == 0) & (away == 0),
            (home == 0) & (away == 1),
            (home == 1) & (away == 0),
            (home == 1) & (away == 1),
        ],
        [-home_rate * away_rate, home_rate, away_rate, -np.ones_like(home_rate)],
        0.0,
    )
    rho = 0.0
    for _ in range(20):
        share = slope / (1 + rho * slope)
        rho = float(np.clip(rho + (weight @ share) / (weight @ share**2 + 1e-9), -0.2, 0.1))
    return rho
