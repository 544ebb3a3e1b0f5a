"""Betting bounds of the mean of bounded variables: valid at every look, from the first value, whatever their distribution.

A capital of 1 is bet, value by value, on the mean being above m: it is multiplied by 1 + stake (x - m), where the stake
depends on earlier values alone and never risks more than `MOST_STAKED` of what can be lost. While the mean, given the
values before, is at most m, the capital is a non-negative supermartingale; by Ville's inequality it reaches 1 / alpha at
any look with probability alpha at most. Waudby-Smith and Ramdas (2024), Journal of the Royal Statistical Society B 86:
the capital process of their section 4, with the stakes of their approximate GRAPA strategy (appendix B).

Values beyond the first `SINGLE` are averaged in blocks of `BLOCK`: averages of values with a mean and a range have the
same mean and range. The last block counts once it is full.
"""

from typing import NamedTuple

import numpy as np

from rollout.judge.arrays import FloatArray

MOST_STAKED = 0.75
"""Largest part of the capital that one value can lose."""

SINGLE, BLOCK = 2000, 64

POINTS, ROUNDS = 12, 2
"""A bound is searched on a grid of so many points, then between two of them, in so many rounds."""


class Span(NamedTuple):
    """Range of a variable."""

    lower: float
    upper: float


def log_capital(values: FloatArray, means: FloatArray, span: Span) -> FloatArray:
    """Log capital (k,) after (n,) values within the span, bet on their mean being above each of (k,) means."""
    x = _averages(np.asarray(values, float))
    seen = np.arange(1, len(x) + 1)
    middle, width = (span.lower + span.upper) / 2, span.upper - span.lower
    mean = (middle + np.cumsum(x)) / (seen + 1)
    spread = ((width / 2) ** 2 + np.cumsum((x - mean) ** 2)) / (seen + 1)
    mean, spread = (
        np.concatenate([[first], each[:-1]]) for first, each in ((middle, mean), ((width / 2) ** 2, spread))
    )
    means = np.asarray(means, float)[:, None]
    ahead = mean - means
    stakes = np.clip(ahead / (spread + ahead**2), 0.0, MOST_STAKED / np.maximum(means - span.lower, 1e-12))
    return np.asarray(np.log1p(stakes * (x - means)).sum(axis=1))


def lower_bound(values: FloatArray, span: Span, alpha: float, at: float) -> float:
    """Lower bound of the mean of (n,) values within the span, wrong at any look with probability alpha at most.

    It is above `at` just when the bets on a mean above `at` reach 1 / alpha: a verdict hangs on that value. With no
    value it is the span's lower end.
    """
    if not len(values):
        return span.lower
    needed, at = -np.log(alpha), max(at, span.lower)
    estimate = float(np.clip(np.mean(values), *span))
    rejected = bool(log_capital(values, np.array([at]), span)[0] >= needed)
    if not rejected and at <= span.lower:
        return span.lower
    inside, outside = (max(estimate, at), at) if rejected else (min(estimate, at), span.lower)
    for _ in range(ROUNDS):
        means = np.linspace(inside, outside, POINTS + 1)
        reached = log_capital(values, means, span) >= needed
        reached[0], reached[-1] = False, True
        first = int(reached.argmax())
        inside, outside = float(means[first - 1]), float(means[first])
    return float(np.nextafter(outside, np.inf)) if rejected else outside


def upper_bound(values: FloatArray, span: Span, alpha: float, at: float) -> float:
    """Upper bound of the mean: at most `at` just when the bets on a mean below `at` reach 1 / alpha."""
    if -at < -span.upper:
        return min(-lower_bound(-np.asarray(values), Span(-span.upper, -span.lower), alpha, -span.upper), span.upper)
    bound = -lower_bound(-np.asarray(values), Span(-span.upper, -span.lower), alpha, -at)
    return bound


def _averages(values: FloatArray) -> FloatArray:
    """The first values, then averages of full blocks."""
    rest = values[SINGLE:]
    full = len(rest) // BLOCK * BLOCK
    return np.concatenate([values[:SINGLE], rest[:full].reshape(-1, BLOCK).mean(axis=1)])
