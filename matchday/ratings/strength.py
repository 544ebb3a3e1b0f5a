"""Attack and defence as the mean over several memories, with a home edge that is given.

A match is two Poisson observations on a common log scale, as in `matchday.ratings.goals`:

    log rate(home) = level + home edge + attack[home] - defence[away]
    log rate(away) = level + attack[away] - defence[home]

Maher (1982), with weights that decay in time and ridge penalties towards a prior. Three things differ. Ratings are the
mean of fits with several decays: none is chosen. The home edge is not fitted but given, with a crowd and without
(`matchday.ratings.home_edge`). And the response mixes goals with the game's own expected goals at another share than
with what stands in for them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from matchday.durations import DAY
from matchday.ratings.goals import LEVEL, PROMOTED_ATTACK, PROMOTED_DEFENCE
from matchday.ratings.home_edge import HomeEdge, closed_doors

FloatArray = NDArray[np.float64]
Pair = tuple[float, float]
"""A number of the home and of the away team."""

UNKNOWN: Pair = (np.nan, np.nan)

OBSERVED = np.dtype(
    [
        ("time", "f8"),
        ("home", "U3"),
        ("away", "U3"),
        ("goals", "f8", 2),
        ("xg", "f8", 2),
        ("stand_in", "f8", 2),
    ]
)


@dataclass(frozen=True)
class StrengthState:
    """The matches that still count, and who plays this season.

    decays: loss of weight a day of each memory. horizon: days after which a match is forgotten. ridge: penalty on a
    parameter's distance from its prior, in units of one match; promoted_ridge: the same for a team that entered the
    league. xg_share, stand_in_share: weight of expected goals in the response, and of what stands in for them.
    """

    matches: NDArray[np.void] = field(default_factory=lambda: np.empty(0, OBSERVED))
    teams: frozenset[str] = frozenset()
    promoted: frozenset[str] = frozenset()
    decays: tuple[float, ...] = (0.003, 0.005, 0.007)
    horizon: float = 1300.0
    ridge: float = 1.0
    promoted_ridge: float = 3.0
    xg_share: float = 0.7
    stand_in_share: float = 0.6


@dataclass(frozen=True)
class Strengths:
    """Log attack and log defence a team, and the log goals of a mean team away."""

    attack: Mapping[str, float]
    defence: Mapping[str, float]
    level: float


def open_season(state: StrengthState, teams: Iterable[str]) -> StrengthState:
    """Start a season: teams that were not in the last one get the prior of promoted teams."""
    now = frozenset(teams)
    return replace(state, teams=now, promoted=now - state.teams if state.teams else frozenset())


def observe(
    state: StrengthState,
    time: datetime,
    home: str,
    away: str,
    goals: tuple[int, int],
    xg: Pair = UNKNOWN,
    stand_in: Pair = UNKNOWN,
) -> StrengthState:
    """The state after one more match.

    xg: expected goals; stand_in: what stands in for them; NaN where unknown.
    """
    row = np.array([(time.timestamp(), home, away, goals, xg, stand_in)], OBSERVED)
    kept = state.matches[state.matches["time"] > time.timestamp() - state.horizon * DAY]
    return replace(state, matches=np.concatenate([kept, row]))


def fit(state: StrengthState, at: datetime, edge: HomeEdge) -> Strengths:
    """Strengths as known at a moment; they depend on the set of matches before it, not on their order."""
    moment = at.timestamp()
    time = state.matches["time"]
    known = state.matches[(time < moment) & (time > moment - state.horizon * DAY)]
    known = known[np.lexsort([known["home"], known["time"]])]
    teams = sorted(state.teams.union(known["home"].tolist(), known["away"].tolist()))
    likelihood = _Likelihood(state, known, teams, moment, edge)
    theta = likelihood.maximise().mean(axis=0)
    count = len(teams)
    return Strengths(
        attack=dict(zip(teams, theta[1 : 1 + count].tolist(), strict=True)),
        defence=dict(zip(teams, theta[1 + count :].tolist(), strict=True)),
        level=float(theta[0]),
    )


def response(state: StrengthState, known: NDArray[np.void]) -> FloatArray:
    """What counts as goals of home and away (n, 2)."""
    goals, own = known["goals"], ~np.isnan(known["xg"])
    described = ~np.isnan(known["stand_in"])
    expected = np.where(own, known["xg"], np.where(described, known["stand_in"], goals))
    share = np.where(own, state.xg_share, state.stand_in_share)
    return np.asarray(share * expected + (1 - share) * goals)


class _Likelihood:
    """Penalised log-likelihoods of all memories at once, in sums over pairings: (memories, teams, teams)."""

    def __init__(
        self, state: StrengthState, known: NDArray[np.void], teams: list[str], moment: float, edge: HomeEdge
    ) -> None:
        self.count = len(teams)
        place = {team: i for i, team in enumerate(teams)}
        home = np.array([place[team] for team in known["home"]], np.int64)
        away = np.array([place[team] for team in known["away"]], np.int64)
        age = (moment - known["time"]) / DAY
        weights = np.exp(-np.array(state.decays)[:, None] * age)
        at_home = np.exp(np.where(closed_doors(known["time"]), edge.closed, edge.open))
        value = response(state, known)
        # Row: the team that attacks. Column: the team that defends.
        self.goals = self._sum(home, away, weights * value[:, 0]) + self._sum(away, home, weights * value[:, 1])
        self.exposure = self._sum(home, away, weights * at_home) + self._sum(away, home, weights)
        self.prior = np.zeros(1 + 2 * self.count)
        self.prior[0] = LEVEL
        self.penalty = np.full(1 + 2 * self.count, state.ridge)
        for team in state.promoted:
            sides = [1 + place[team], 1 + self.count + place[team]]
            self.prior[sides] = PROMOTED_ATTACK, PROMOTED_DEFENCE
            self.penalty[sides] = state.promoted_ridge

    def maximise(self) -> FloatArray:
        """The parameters (memories, 1 + 2 teams): level, attacks, defences; Newton's method, from the prior."""
        theta = np.tile(self.prior, (len(self.goals), 1))
        for _ in range(30):
            attack, defence = theta[:, 1 : 1 + self.count], theta[:, 1 + self.count :]
            rate = self.exposure * np.exp(theta[:, :1, None] + attack[:, :, None] - defence[:, None, :])
            gradient = self._gather(self.goals - rate) - self.penalty * (theta - self.prior)
            step = np.linalg.solve(self._information(rate), gradient[..., None])[..., 0]
            theta = theta + np.clip(step, -1.0, 1.0)
            if np.abs(step).max() < 1e-9:
                break
        return theta

    def _sum(self, attackers: NDArray[np.int64], defenders: NDArray[np.int64], values: FloatArray) -> FloatArray:
        cells = attackers * self.count + defenders
        sums = [np.bincount(cells, row, self.count**2) for row in values]
        return np.asarray(sums, float).reshape(-1, self.count, self.count)

    def _gather(self, cells: FloatArray) -> FloatArray:
        """Sums (memories, 1 + 2 teams) of cells by parameter, with the sign that it has in a log rate."""
        return np.concatenate([cells.sum(axis=(1, 2))[:, None], cells.sum(axis=2), -cells.sum(axis=1)], axis=1)

    def _information(self, rate: FloatArray) -> FloatArray:
        size = 1 + 2 * self.count
        matrix = np.zeros((len(rate), size, size))
        matrix[:, 1 : 1 + self.count, 1 + self.count :] = -rate
        matrix[:, 1 + self.count :, 1 : 1 + self.count] = -rate.transpose(0, 2, 1)
        diagonal = np.arange(size)
        gathered = self._gather(rate)
        matrix[:, diagonal, diagonal] = np.abs(gathered) + self.penalty
        matrix[:, 0, 1:] = matrix[:, 1:, 0] = gathered[:, 1:]
        return matrix
