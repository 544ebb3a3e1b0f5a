"""Predictive distributions over whole points.

A player's points in a match are nothing when he does not play, and otherwise follow the points that players of his
position and minutes scored before, tilted exponentially so that the mean is the one forecast:

    P(points = k)  is proportional to  base(k) * exp(theta * k)

The tilt is the distribution nearest to the base, by Kullback-Leibler divergence, that has the mean (Csiszar, 1975).
A table holds the tilts whose means are a quarter of a point apart; between two of them both are mixed, which has the
mean exactly. The graph reads the same table.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Float32Array = NDArray[np.float32]
IntArray = NDArray[np.int64]

LEAST, MOST = -10, 40
"""Points of a match that have a probability; nobody has left them since 16/17 (-7 to 29)."""
STEEPEST = 8.0
"""Largest tilt: beyond it the distribution is a single number."""
HALVINGS = 50
"""Steps of bisection; more would move no double."""
PSEUDO_MATCHES = 1.0
"""Matches, spread evenly over all numbers of points, that a base distribution starts from."""
LOWEST_MEAN, STEPS_A_POINT, NODES = -2.0, 4, 89
"""Means of the tilts in a table: -2 to 20. A forecast beyond has the distribution of the nearest."""


@dataclass(frozen=True)
class PointsDistribution:
    """Distributions of n forecasts. chances: (n, k), of `least`, `least` + 1 and so on; each row adds up to 1."""

    least: int
    chances: FloatArray

    @property
    def points(self) -> IntArray:
        """The numbers of points, (k,)."""
        return np.arange(self.least, self.least + self.chances.shape[1], dtype=np.int64)

    @property
    def mean(self) -> FloatArray:
        """Mean points, (n,)."""
        return np.asarray(self.chances @ self.points)

    def quantiles(self, levels: Sequence[float]) -> IntArray:
        """The least points that are reached or stayed below with each probability, (n, levels). levels: inside 0..1."""
        return self.least + count_below(np.cumsum(self.chances, axis=1), levels)

    def plus(self, other: "PointsDistribution") -> "PointsDistribution":
        """Points of two matches together, such as those of a double gameweek, taken to be independent."""
        width = self.chances.shape[1] + other.chances.shape[1] - 1
        together = np.zeros((len(self.chances), width))
        for place in range(other.chances.shape[1]):
            together[:, place : place + self.chances.shape[1]] += self.chances * other.chances[:, place, None]
        return PointsDistribution(self.least + other.least, together)

    def randomised_pit(self, points: IntArray, uniform: FloatArray) -> FloatArray:
        """Probability integral transform (n,) of what happened, (n,): uniform when the distributions are right.

        uniform: (n,) random numbers from 0 to 1 that spread each whole number's probability (Czado et al., 2009).
        """
        below = np.where(self.points < points[:, None], self.chances, 0.0).sum(axis=1)
        at = np.where(self.points == points[:, None], self.chances, 0.0).sum(axis=1)
        return np.asarray(below + uniform * at)


@dataclass(frozen=True)
class TiltTable:
    """Cumulative chances (positions, 2, `NODES`, k) of tilts of a base for each position, given 1-59 and 60+ minutes.

    float32, since the graph holds them; reckoned with in float64 from there on.
    """

    cumulative: Float32Array

    def reached(self, positions: IntArray, minutes: int, means: FloatArray) -> FloatArray:
        """Chances (n, k) of at most `LEAST`, `LEAST` + 1 and so on. minutes: 0 for 1-59, 1 for 60 and more."""
        at = np.clip((means - LOWEST_MEAN) * STEPS_A_POINT, 0.0, NODES - 1.0)
        node = np.minimum(np.floor(at), NODES - 2.0)
        tilts = self.cumulative[:, minutes].astype(float)
        low, high = (tilts[positions, node.astype(np.int64) + more] for more in (0, 1))
        return np.asarray(low + (at - node)[:, None] * (high - low))

    def mix(self, positions: IntArray, minutes: FloatArray, some: FloatArray, full: FloatArray) -> FloatArray:
        """Chances (n, k) of at most so many points before it is known whether a player plays.

        minutes: (n, 3) probabilities of 0, of 1-59 and of 60 minutes or more. some, full: mean points given the latter.
        """
        without = minutes[:, :1] * AT_LEAST_NOTHING
        return np.asarray(
            without
            + minutes[:, 1:2] * self.reached(positions, 0, some)
            + minutes[:, 2:] * self.reached(positions, 1, full)
        )


AT_LEAST_NOTHING: FloatArray = (np.arange(LEAST, MOST + 1) >= 0).astype(float)
"""Cumulative chances (k,) of a player who does not play."""


def count_below(reached: FloatArray, levels: Sequence[float]) -> IntArray:
    """How many numbers of points, (n, levels), are reached with less than each probability; reached: (n, k)."""
    below = reached[:, None, :-1] < np.asarray(levels)[:, None]
    return np.asarray(below.sum(axis=2), np.int64)


def tilt_table(points: IntArray, positions: IntArray, full: NDArray[np.bool_], count: int) -> TiltTable:
    """The table of what was scored in matches played, (n,), at positions 0 to `count` - 1, full: in 60+ minutes.

    Raises ValueError for points outside `LEAST` to `MOST`.
    """
    means = LOWEST_MEAN + np.arange(NODES) / STEPS_A_POINT
    bases = [
        [base_chances(points[(positions == position) & (full == many)]) for many in (False, True)]
        for position in range(count)
    ]
    tilts = np.array([[tilt(base, means).chances for base in of] for of in bases])
    return TiltTable(np.cumsum(tilts, axis=-1).astype(np.float32))


def base_chances(points: IntArray) -> FloatArray:
    """How often each number from `LEAST` to `MOST` was scored, (k,), no number with chance 0. points: (n,) of the past.

    Raises ValueError for points outside.
    """
    if len(points) and not LEAST <= points.min() <= points.max() <= MOST:
        raise ValueError(f"points of a match are between {LEAST} and {MOST}, not {points.min()} to {points.max()}")
    width = MOST - LEAST + 1
    counted = np.bincount(points - LEAST, minlength=width) + PSEUDO_MATCHES / width
    return np.asarray(counted / counted.sum())


def tilt(base: FloatArray, means: FloatArray) -> PointsDistribution:
    """The base distribution (k,) tilted to each mean (n,). A mean beyond what `STEEPEST` reaches gets the nearest."""
    points = np.arange(LEAST, LEAST + len(base))
    low, high = np.full(len(means), -STEEPEST), np.full(len(means), STEEPEST)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        short = _tilted(base, points, middle) @ points < means
        low, high = np.where(short, middle, low), np.where(short, high, middle)
    return PointsDistribution(LEAST, _tilted(base, points, (low + high) / 2))


def _tilted(base: FloatArray, points: IntArray, tilts: FloatArray) -> FloatArray:
    """(n, k) for tilts (n,)."""
    logs = np.log(base) + tilts[:, None] * points
    weights = np.exp(logs - logs.max(axis=1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))
