"""Quantiles of latency histograms, and evidence about their ratio that may be looked at as often as one likes.

Within a bucket, latencies are spread evenly on a logarithmic scale. All that follows holds exactly for the quantiles
of the distribution so read, and as well for the true ones as the buckets are fine.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from matchday.scores.outcome import FloatArray
from rollout.judge.sequential import crossings, rate_evidence

PRIOR = 10.0
"""Requests on the rarer side of a quantile that the prior is worth. Any is valid; this one is sharp from a thousand
requests to a hundred thousand."""

GRID = 17
"""Values of stable's quantile that are tried for the least evidence."""

WIDEST = 1000.0
"""Ratios beyond this, or its inverse, are not told apart."""


class Buckets(NamedTuple):
    """A histogram of one version, or many. counts: (..., buckets). bounds: (buckets - 1,), seconds."""

    counts: ArrayLike
    bounds: ArrayLike


def quantile(latency: Buckets, q: float) -> FloatArray:
    """Seconds (...) that a share q of the requests took at most."""
    edges, below = _edges(latency.bounds), _cumulative(latency.counts)
    target = q * below[..., -1:]
    after = np.maximum((below >= target).argmax(axis=-1), 1)[..., None]
    lower, upper = np.take_along_axis(below, after - 1, -1), np.take_along_axis(below, after, -1)
    part = np.clip((target - lower) / np.maximum(upper - lower, 1e-300), 0, 1)
    return np.asarray(np.exp(edges[after - 1] + part * (edges[after] - edges[after - 1]))[..., 0])


def ratio_evidence(stable: Buckets, canary: Buckets, q: float, ratio: ArrayLike, floor: float = 0.0) -> FloatArray:
    """Against canary's q-quantile being `ratio` (...) times stable's, whatever stable's is.

    Quantiles below the floor, seconds, count as the floor. If x is the quantile, requests take at most x with
    probability q: Howard and Ramdas (2022), Bernoulli 28. The product of both versions' martingales is least somewhere
    between their own estimates of x.
    """
    ratio = np.asarray(ratio, float)
    least = np.maximum(floor, 1e-9) * np.maximum(1, 1 / ratio)
    ends = np.maximum(quantile(stable, q), least), np.maximum(quantile(canary, q) / ratio, least)
    x = np.geomspace(*ends, GRID, axis=-1)
    against = _evidence(stable, q, x, floor) + _evidence(canary, q, x * ratio[..., None], floor)
    return np.asarray(against.min(axis=-1))


def ratio_bounds(
    stable: Buckets, canary: Buckets, q: float, floor: float, alpha_low: float, alpha_high: float
) -> tuple[float, float, float]:
    """Canary's q-quantile over stable's, of one histogram each: estimate, lower and upper bound.

    Each bound is wrong ever with probability alpha at most.
    """
    one, other = (Buckets(np.asarray(each.counts)[None], each.bounds) for each in (stable, canary))
    before, now = (np.maximum(quantile(each, q), floor) for each in (stable, canary))
    estimate = np.clip(np.log(now / before), -np.log(WIDEST), np.log(WIDEST))
    low, high = crossings(
        lambda log_ratio: ratio_evidence(one, other, q, np.exp(log_ratio), floor),
        estimate,
        (-np.log(WIDEST), np.log(WIDEST)),
        (alpha_low, alpha_high),
    )
    return float(np.exp(estimate)), float(np.exp(low)), float(np.exp(high))


def _evidence(latency: Buckets, q: float, x: FloatArray, floor: float) -> FloatArray:
    """Against x (..., m) being the q-quantile, or at the floor, against its being anywhere up to there."""
    n = np.asarray(latency.counts).sum(axis=-1, dtype=float)[..., None]
    hits = _below(latency, x)
    hits = np.where(x <= floor, np.minimum(hits, q * n), hits)
    worth = PRIOR / min(q, 1 - q)
    return rate_evidence(hits, n, q, (worth * q, worth * (1 - q)))


def _below(latency: Buckets, x: FloatArray) -> FloatArray:
    """Requests that took at most x seconds."""
    edges, below = _edges(latency.bounds), _cumulative(latency.counts)
    place = np.interp(np.log(x), edges, np.arange(len(edges)))
    before = np.minimum(place.astype(int), len(edges) - 2)
    lower, upper = np.take_along_axis(below, before, -1), np.take_along_axis(below, before + 1, -1)
    return np.asarray(lower + (place - before) * (upper - lower))


def _edges(bounds: ArrayLike) -> FloatArray:
    """Logarithms of where buckets begin and end; the outer two are as wide as their neighbours."""
    inner = np.log(np.asarray(bounds, float))
    return np.concatenate([[2 * inner[0] - inner[1]], inner, [2 * inner[-1] - inner[-2]]])


def _cumulative(counts: ArrayLike) -> FloatArray:
    summed = np.cumsum(np.asarray(counts, float), axis=-1)
    return np.concatenate([np.zeros_like(summed[..., :1]), summed], axis=-1)
