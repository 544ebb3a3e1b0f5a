"""Check `latency`: slower at the median or in the tail."""

import math
from functools import partial

import numpy as np

from rollout.judge.check import check
from rollout.judge.effect import Effect
from rollout.judge.limits import JudgeLimits
from rollout.judge.observation import Histogram, Observation
from rollout.judge.quantiles import WIDEST, Buckets, quantile, ratio_bounds, ratio_log_evalue

QUANTILES = (0.5, 0.95, 0.99)


@check("latency")
def latency(observation: Observation, limits: JudgeLimits, alpha: float) -> list[Effect] | None:
    """Ratios of quantiles of the duration of requests; durations below the floor count as the floor."""
    stable, canary = observation.stable.latency, observation.canary.latency
    if stable is None or canary is None:
        return None
    return [_quantile_effect(stable, canary, q, limits, alpha / len(QUANTILES)) for q in QUANTILES]


def _quantile_effect(stable: Histogram, canary: Histogram, q: float, limits: JudgeLimits, alpha: float) -> Effect:
    name = f"p{round(100 * q)}"
    estimate, low, high, decides = 1.0, 1 / WIDEST, WIDEST, None
    summary = name
    if stable.total and canary.total:
        one, other = Buckets(stable.counts, stable.bounds), Buckets(canary.counts, canary.bounds)
        estimate, low, high = ratio_bounds(one, other, q, limits.latency_floor, alpha, limits.missed)
        decides = partial(_decides, one, other, q, limits, alpha, estimate)
        before, now = (1000 * float(quantile(each, q)) for each in (one, other))
        summary = f"{name} {now:.3g} ms, stable {before:.3g} ms"
    return Effect(
        measure=name,
        n=min(stable.total, canary.total),
        minimum=limits.min_requests,
        estimate=estimate,
        interval=(low, high),
        limit=limits.latency,
        summary=summary,
        render=lambda ratio: f"{ratio:.2f} times",
        decides=decides,
    )


def _decides(
    stable: Buckets, canary: Buckets, q: float, limits: JudgeLimits, alpha: float, estimate: float, times: float
) -> bool:
    """Whether so many times the requests, with the same durations, would pass or fail."""
    one, other = (Buckets(times * np.asarray(each.counts), each.bounds) for each in (stable, canary))
    evidence = ratio_log_evalue(one, other, q, limits.latency, limits.latency_floor)
    return bool(evidence >= -math.log(limits.missed if estimate <= limits.latency else alpha))
