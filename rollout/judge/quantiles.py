"""Quantiles of latency histograms, and bounds of their ratio that are valid at every look.

Within a bucket, latencies are taken as evenly spread on a logarithmic scale. Bounds hold exactly for quantiles of that
distribution; for the true quantiles they are as good as the buckets are narrow.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from rollout.judge.arrays import FloatArray
from rollout.judge.sequential import crossings, rate_log_evalue

PRIOR = 10.0
"""Weight of the prior, in requests on the rarer side of the quantile. Any value is valid; this one gives narrow bounds
from a thousand requests to a hundred thousand."""

CELLS = 128
"""Cells in which the least e-value over stable's quantile is searched."""
CELLS_OF_WAY = np.linspace(0, 1, CELLS + 1)

SLACK = 1 / (4 * PRIOR)
"""Nats. The least e-value of one version is at a count up to half a request from its quantile's, and by 1 / (8 PRIOR)
lower at most: half the squared slope over the curvature. Two versions are compared."""

WIDEST = 1000.0
"""Ratios beyond this, or below its inverse, count as this."""


class Buckets(NamedTuple):
    """One histogram or many. counts: (..., buckets). bounds: (buckets - 1,), seconds."""

    counts: ArrayLike
    bounds: ArrayLike


def quantile(latency: Buckets, q: float) -> FloatArray:
    """Seconds (...) within which a share q of the requests ended."""
    edges, below = _edges(latency.bounds), _cumulative(latency.counts)
    target = q * below[..., -1:]
    after = np.maximum((below >= target).argmax(axis=-1), 1)[..., None]
    lower, upper = np.take_along_axis(below, after - 1, -1), np.take_along_axis(below, after, -1)
    part = np.clip((target - lower) / np.maximum(upper - lower, 1e-300), 0, 1)
    return np.asarray(np.exp(edges[after - 1] + part * (edges[after] - edges[after - 1]))[..., 0])


def ratio_log_evalue(stable: Buckets, canary: Buckets, q: float, ratio: ArrayLike, floor: float = 0.0) -> FloatArray:
    """Log e-value against canary's q-quantile being `ratio` (...) times stable's, for any value of stable's.

    floor: seconds; quantiles below it count as the floor. If x is the quantile, a request takes at most x with
    probability q: Howard and Ramdas (2022), Bernoulli 28. The product of both versions' martingales has its least value
    between their own estimates of x. On the way from stable's estimate to the canary's, the evidence of stable's counts
    grows and that of the canary's falls: within a cell it is at least the sum of stable's at the near end and the
    canary's at the far end. The least of those sums, less `SLACK`, is never above the true least value.
    """
    return _least_evidence(stable, canary, q, (quantile(stable, q), quantile(canary, q)), ratio, floor)


def _least_evidence(
    stable: Buckets, canary: Buckets, q: float, quantiles: tuple[FloatArray, FloatArray], ratio: ArrayLike, floor: float
) -> FloatArray:
    ratio = np.asarray(ratio, float)
    least = np.maximum(floor, 1e-9) * np.maximum(1, 1 / ratio)
    near = np.log(np.maximum(quantiles[0], least))[..., None]
    way = np.log(np.maximum(quantiles[1] / ratio, least))[..., None] - near
    x = near + CELLS_OF_WAY * way
    before, now = _log_evalue(stable, q, x, floor), _log_evalue(canary, q, x + np.log(ratio)[..., None], floor)
    return np.asarray((before[..., :-1] + now[..., 1:]).min(axis=-1) - SLACK)


def ratio_bounds(
    stable: Buckets, canary: Buckets, q: float, floor: float, alpha_low: float, alpha_high: float
) -> tuple[float, float, float]:
    """Canary's q-quantile over stable's, of one histogram each: estimate, lower and upper bound.

    Each bound is wrong at any look with probability alpha at most.
    """
    one, other = (Buckets(np.asarray(each.counts)[None], each.bounds) for each in (stable, canary))
    both = quantile(stable, q), quantile(canary, q)
    before, now = (np.maximum(each, floor) for each in both)
    estimate = np.clip(np.log(now / before), -np.log(WIDEST), np.log(WIDEST))
    low, high = crossings(
        lambda log_ratio: _least_evidence(one, other, q, both, np.exp(log_ratio), floor),
        estimate,
        (-np.log(WIDEST), np.log(WIDEST)),
        (alpha_low, alpha_high),
    )
    return float(np.exp(estimate)), float(np.exp(low)), float(np.exp(high))


def _log_evalue(latency: Buckets, q: float, log_x: FloatArray, floor: float) -> FloatArray:
    """Log e-value against exp(log_x) (..., m) being the q-quantile; at the floor, against one below it."""
    n = np.asarray(latency.counts).sum(axis=-1, dtype=float)[..., None]
    hits = _below(latency, log_x)
    if floor > 0:
        hits = np.where(log_x <= np.log(floor) + 1e-9, np.minimum(hits, q * n), hits)
    weight = PRIOR / min(q, 1 - q)
    return rate_log_evalue(hits, n, q, (weight * q, weight * (1 - q)))


def _below(latency: Buckets, log_x: FloatArray) -> FloatArray:
    """Requests that took at most exp(log_x) seconds."""
    edges, below = _edges(latency.bounds), _cumulative(latency.counts)
    if below.size == len(edges):  # one histogram
        return np.interp(log_x, edges, below.reshape(-1))
    position = np.interp(log_x, edges, np.arange(len(edges)))
    before = np.minimum(position.astype(int), len(edges) - 2)
    lower, upper = np.take_along_axis(below, before, -1), np.take_along_axis(below, before + 1, -1)
    return np.asarray(lower + (position - before) * (upper - lower))


def _edges(bounds: ArrayLike) -> FloatArray:
    """Logarithms of the edges of the buckets; the outer two buckets are as wide as their neighbours."""
    inner = np.log(np.asarray(bounds, float))
    return np.concatenate([[2 * inner[0] - inner[1]], inner, [2 * inner[-1] - inner[-2]]])


def _cumulative(counts: ArrayLike) -> FloatArray:
    summed = np.cumsum(np.asarray(counts, float), axis=-1)
    return np.concatenate([np.zeros_like(summed[..., :1]), summed], axis=-1)
