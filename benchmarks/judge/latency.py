"""Latencies of simulated versions, as shares of the buckets of the server's histogram."""

from collections.abc import Callable

import numpy as np
from scipy.stats import lognorm, pareto

from matchday.scores.outcome import FloatArray
from serving.metrics import SECONDS

Distribution = Callable[[FloatArray], FloatArray]
"""Seconds -> share of requests that take at most so long."""

LATENCIES: dict[str, Distribution] = {
    "lognormal 0.5": lognorm(0.5, scale=0.03).cdf,
    "lognormal 1": lognorm(1.0, scale=0.03).cdf,
    "Pareto 3": pareto(3, scale=0.02).cdf,
}
"""Medians of 25 to 30 ms; the p99 are at 3, 10 and 5 times that."""


def slower(latency: Distribution, times: float) -> Distribution:
    """Every request takes so many times as long."""
    return lambda seconds: latency(seconds / times)


def longer_tail(latency: Distribution, times: float) -> Distribution:
    """Up to p90 nothing changes; from there on requests take longer, at p99 so many times as long."""
    fine = np.geomspace(1e-5, 1e3, 200_001)
    shares = latency(fine)
    begin, end = (np.log(np.interp(q, shares, fine)) for q in (0.9, 0.99))
    part = np.clip((np.log(fine) - begin) / (end - begin), 0, 2)
    stretched = np.log(fine) + part * np.log(times)
    return lambda seconds: np.interp(np.log(seconds), stretched, shares)


def buckets(latency: Distribution) -> FloatArray:
    """Share of the requests in each bucket."""
    return np.diff(np.concatenate([[0.0], latency(np.asarray(SECONDS)), [1.0]]))
