"""Betting bounds of the mean of bounded variables: valid at every look, from the first value on.

A capital of 1 is bet, value by value, on the mean being above m: it is multiplied by 1 + stake (x - m), where the
stake depends on earlier values alone and never risks more than `MOST_STAKED` of what can be lost. While the mean,
given the values before, is at most m, the capital is a non-negative supermartingale; by Ville's inequality it
reaches 1 / alpha at any look with probability alpha at most. Waudby-Smith and Ramdas (2024), Journal of the Royal
Statistical Society B 86: the capital process of their section 4, with the stakes of their approximate GRAPA strategy
(appendix B).

Values beyond the first `SINGLE` are averaged in blocks of `BLOCK`: averages of values with a mean and a range have
the same mean and range. The last block counts once it is full.
"""

from typing import NamedTuple

import numpy as np

from rollout.judge.arrays import FloatArray

MOST_STAKED = 0.75
"""Largest part of the capital that one value can lose."""

SINGLE, BLOCK = 1000, 64

POINTS, ROUNDS = 5, 3
"""A bound is searched on a grid of so many points, then between two of them, in so many rounds."""

STEPS = np.linspace(0, 1, POINTS + 1)


class Span(NamedTuple):
    """Range of a variable."""

    lower: float
    upper: float


def block_averages(values: FloatArray, span: Span) -> FloatArray:
    """The first of (n,) values, then averages of full blocks. Values beyond the span count as its nearer end."""
    within = np.clip(values, *span)
    rest = within[SINGLE:]
    full = len(rest) // BLOCK * BLOCK
    return np.concatenate([within[:SINGLE], rest[:full].reshape(-1, BLOCK).mean(axis=1)])


class Bets:
    """Bets on the mean of variables being above a given one. values: as `block_averages` makes them."""

    def __init__(self, values: FloatArray, span: Span) -> None:
        self._values = values
        self._lower = span.lower
        middle, variance = (span.lower + span.upper) / 2, (span.upper - span.lower) ** 2 / 4
        seen = np.arange(2, len(self._values) + 2)
        mean = (middle + np.cumsum(self._values)) / seen
        spread = (variance + np.cumsum((self._values - mean) ** 2)) / seen
        self._mean, self._spread = np.append(middle, mean[:-1]), np.append(variance, spread[:-1])

    def log_capital(self, means: FloatArray) -> FloatArray:
        """Log capital (k,) after bets on the mean being above each of (k,) means. Of no value it is 0."""
        if not len(self._values):
            return np.zeros(len(means))
        means = np.asarray(means, float)[:, None]
        stakes = self._mean - means
        stakes /= self._spread + stakes**2
        np.maximum(stakes, 0.0, out=stakes)
        np.minimum(stakes, MOST_STAKED / np.maximum(means - self._lower, 1e-9), out=stakes)
        stakes *= self._values - means
        return np.asarray(np.log1p(stakes, out=stakes).sum(axis=1))


def lower_bound(values: FloatArray, span: Span, alpha: float, at: float) -> float:
    """Lower bound of the mean of (n,) values within the span, wrong at any look with probability alpha at most."""
    return averages_lower_bound(block_averages(values, span), span, alpha, at)


def upper_bound(values: FloatArray, span: Span, alpha: float, at: float) -> float:
    """Upper bound of the mean: at most `at` just when the bets on a mean below `at` reach 1 / alpha."""
    return averages_upper_bound(block_averages(values, span), span, alpha, at)


def averages_lower_bound(values: FloatArray, span: Span, alpha: float, at: float) -> float:
    """Lower bound of the mean from block averages, so that several bounds of the same values share those.

    It is above `at` just when the bets on a mean above `at` reach 1 / alpha: a verdict hangs on that value. Without
    evidence it is the span's lower end.
    """
    bets, needed, at = Bets(values, span), -np.log(alpha), max(at, span.lower)
    estimate = float(np.clip(np.mean(values), *span)) if len(values) else span.lower
    rejected = bool(bets.log_capital(np.array([at]))[0] >= needed)
    inside, outside = (max(estimate, at), at) if rejected else (min(estimate, at), span.lower)
    for _ in range(ROUNDS):
        means = inside * (1 - STEPS) + outside * STEPS
        reached = bets.log_capital(means) >= needed
        reached[0], reached[-1] = False, True
        first = int(reached.argmax())
        inside, outside = float(means[first - 1]), float(means[first])
    return float(np.nextafter(outside, np.inf)) if rejected else outside


def averages_upper_bound(values: FloatArray, span: Span, alpha: float, at: float) -> float:
    """Upper bound of the mean from block averages."""
    return -averages_lower_bound(-values, Span(-span.upper, -span.lower), alpha, -at)
