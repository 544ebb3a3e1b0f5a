"""Confidence sequences: bounds that are valid at every look at once, and the e-values behind them.

A log e-value (nats) is the logarithm of a non-negative martingale that starts at 1 while a hypothesis is true. By
Ville's inequality it reaches log(1 / alpha) at any look with probability alpha at most. A bound is where it reaches
that. Functions work elementwise on arrays of counts. Rates and differences of rates are exact at any sample size, means
are asymptotic.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betaln, stdtrit, xlog1py, xlogy

from rollout.judge.arrays import FloatArray

RARE = (0.5, 20.0)
"""Beta prior of a rate that should be small. Any prior is valid; this one gives the narrowest bounds below a tenth."""

ROUNDS, POINTS = 7, 8
"""A bound is searched on a grid of so many points, then between two of them, in so many rounds."""

STEPS = np.linspace(0, 1, POINTS + 1)


class Hits(NamedTuple):
    """Counts of one version: hits among n requests, arrays of the same shape or numbers."""

    hits: ArrayLike
    n: ArrayLike

    @property
    def rate(self) -> FloatArray:
        """Hits per request."""
        return np.asarray(np.true_divide(self.hits, self.n))


def rate_log_evalue(hits: ArrayLike, n: ArrayLike, rate: ArrayLike, prior: tuple[float, float] = RARE) -> FloatArray:
    """Log e-value against this rate, from hits among n: beta-binomial mixture martingale.

    Robbins (1970), Annals of Mathematical Statistics 41. Hits need not be whole: for variables within [0, 1] the
    likelihood ratio is convex in each of them, which makes it a supermartingale (Hoeffding 1963).
    """
    a, b = prior
    hits, n = np.asarray(hits, float), np.asarray(n, float)
    mixture = betaln(a + hits, b + n - hits) - betaln(a, b)
    return np.asarray(mixture - xlogy(hits, rate) - xlog1py(n - hits, -np.asarray(rate)))


def difference_log_evalue(stable: Hits, canary: Hits, difference: ArrayLike) -> FloatArray:
    """Log e-value against canary's rate being stable's + difference, for any rate of stable's.

    The product of two martingales is a martingale for each pair of rates, however requests are split. Its least value
    over all pairs with this difference is at their constrained maximum-likelihood estimate.
    """
    higher = np.asarray(difference, float)
    rate = constrained_rate(stable, canary, higher)
    return rate_log_evalue(*stable, rate) + rate_log_evalue(*canary, np.clip(rate + higher, 0, 1))


def rate_bounds(
    hits: ArrayLike, n: ArrayLike, alpha_low: float, alpha_high: float, prior: tuple[float, float] = RARE
) -> tuple[FloatArray, FloatArray]:
    """Lower and upper bound of a rate, each wrong at any look with probability alpha at most."""
    hits, n = np.asarray(hits, float)[..., None], np.asarray(n, float)[..., None]
    estimate = (hits / n)[..., 0]
    return crossings(lambda rate: rate_log_evalue(hits, n, rate, prior), estimate, (0.0, 1.0), (alpha_low, alpha_high))


def difference_bounds(stable: Hits, canary: Hits, alpha_low: float, alpha_high: float) -> tuple[FloatArray, FloatArray]:
    """Lower and upper bound of canary's rate - stable's, each wrong at any look with probability alpha at most."""
    estimate = np.asarray(canary.rate - stable.rate)
    one, other = (Hits(np.asarray(each.hits)[..., None], np.asarray(each.n)[..., None]) for each in (stable, canary))
    return crossings(
        lambda difference: difference_log_evalue(one, other, difference), estimate, (-1.0, 1.0), (alpha_low, alpha_high)
    )


def mean_width(sd: ArrayLike, n: ArrayLike, alpha: float, tuned: int) -> FloatArray:
    """One-sided half-width of a confidence sequence for a mean, with coverage 1 - alpha: normal mixture.

    Asymptotic; narrowest near n = tuned. Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (2024), Annals of Statistics
    52, their one-sided sequence.
    """
    n = np.asarray(n, float)
    spent = -2 * np.log(2 * alpha)
    rho2 = (spent + np.log1p(spent)) / tuned
    grown = n * rho2 + 1
    return np.asarray(sd * np.sqrt(2 * grown / (n * n * rho2) * np.log1p(np.sqrt(grown) / (2 * alpha))))


def student_width(sd: ArrayLike, n: ArrayLike, alpha: float) -> FloatArray:
    """One-sided half-width of a confidence interval for a mean at one look, coverage 1 - alpha: Student (1908)."""
    n = np.asarray(n, float)
    return np.asarray(stdtrit(n - 1, 1 - alpha) * sd / np.sqrt(n))


def crossings(
    log_evalue: Callable[[FloatArray], FloatArray],
    estimate: FloatArray,
    ends: tuple[float, float],
    alphas: tuple[float, float],
) -> tuple[FloatArray, FloatArray]:
    """Where the log e-value reaches log(1 / alpha) below and above the estimate; an end where it does not.

    log_evalue: of values (..., m); least at the estimate (...) and growing away from it.
    """
    low, high = (_crossing(log_evalue, estimate, end, alpha) for end, alpha in zip(ends, alphas, strict=True))
    return low, high


def _crossing(
    log_evalue: Callable[[FloatArray], FloatArray], estimate: FloatArray, end: float, alpha: float
) -> FloatArray:
    inside, outside = np.asarray(estimate, float), np.full_like(estimate, end, dtype=float)
    for _ in range(ROUNDS):
        values = inside[..., None] * (1 - STEPS) + outside[..., None] * STEPS
        reached = log_evalue(values) >= -np.log(alpha)
        reached[..., 0] = False
        reached[..., -1] = True
        first = reached.argmax(axis=-1)[..., None]
        inside = np.take_along_axis(values, first - 1, axis=-1)[..., 0]
        outside = np.take_along_axis(values, first, axis=-1)[..., 0]
    return outside


def constrained_rate(stable: Hits, canary: Hits, d: FloatArray) -> FloatArray:
    """Maximum-likelihood rate of stable's when canary's is higher by d: a root of a cubic.

    Farrington and Manning (1990), Statistics in Medicine 9, appendix.
    """
    theta = np.asarray(stable.n, float) / canary.n
    p, q = canary.rate, stable.rate
    a = 1 + theta
    b = -(1 + theta + p + theta * q + d * (theta + 2))
    c = d * d + d * (2 * p + theta + 1) + p + theta * q
    third = b / (3 * a)
    v = third**3 - b * c / (6 * a * a) - p * d * (1 + d) / (2 * a)
    u = np.copysign(np.sqrt(np.maximum(third * third - c / (3 * a), 1e-100)), v)
    w = (np.pi + np.arccos(np.clip(v / u**3, -1, 1))) / 3
    root = 2 * u * np.cos(w) - third - d
    return np.asarray(np.minimum(np.maximum(root, np.maximum(0, -d)), np.minimum(1, 1 - d)))
