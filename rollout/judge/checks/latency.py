"""Check `latency`: slower at the median or in the tail."""

import math
from collections.abc import Callable
from functools import partial

import numpy as np

from rollout.judge.check import check
from rollout.judge.cohort import Histogram
from rollout.judge.confirmation import confirming
from rollout.judge.effect import Effect
from rollout.judge.limits import JudgeLimits
from rollout.judge.observation import Observation, ReplayedCohorts, ServerLatencies
from rollout.judge.quantiles import WIDEST, Buckets, quantile, ratio_bounds, ratio_log_evalue
from rollout.judge.servers import without_outlier, without_slowest

QUANTILES = (0.5, 0.95, 0.99)


@check("latency")
def latency(observation: Observation, limits: JudgeLimits, alpha: float) -> list[Effect] | None:
    """Ratios of quantiles of the duration of requests; durations below the floor count as the floor.

    Lower bounds are of the canary without its slowest server, upper bounds of both versions without a server that is
    slow by itself: see `rollout.judge.servers`.
    """
    both = observation.stable.latency, observation.canary.latency
    earlier = (observation.replayed, observation.mirrored)

    def after(q: float) -> JudgeLimits:
        return confirming(limits, sum(_replayed_evidence(each, q, limits) for each in earlier))

    return latency_effects(*both, observation.servers, limits, alpha, after)


def latency_effects(
    stable: Histogram | None,
    canary: Histogram | None,
    servers: ServerLatencies,
    limits: JudgeLimits,
    alpha: float,
    to_pass: Callable[[float], JudgeLimits],
    what: str = "",
) -> list[Effect] | None:
    """An effect for each quantile; None without durations of both versions. servers: empty where not known.

    to_pass: limits for a quantile. what: completes "3 ms, stable 2 ms" for people.
    """
    if stable is None or canary is None:
        return None
    find = partial(without_outlier, ratio=limits.latency, floor=limits.latency_floor, minimum=limits.min_requests)
    others = [find(each) for each in servers]
    left_out = [name for name, each in zip(("stable", "the candidate"), others, strict=True) if each is not None]
    told = f" (one slow server of {' and one of '.join(left_out)} left out)" if left_out else ""
    pair = (others[0] or stable, others[1] or canary)
    part, found = alpha / len(QUANTILES), []
    for q in QUANTILES:
        fewer = without_slowest(servers.canary, q, limits.latency) or canary
        found.append(quantile_effect(stable, fewer, pair, q, to_pass(q), part, what + told))
    return found


def _replayed_evidence(replayed: ReplayedCohorts | None, q: float, limits: JudgeLimits) -> float:
    """Log e-value of replayed requests against the canary's quantile being beyond the limit; 0 without any."""
    if replayed is None or replayed.stable.latency is None or replayed.canary.latency is None:
        return 0.0
    both = replayed.stable.latency, replayed.canary.latency
    if not all(each.total for each in both):
        return 0.0
    one, other = (Buckets(np.asarray(each.counts, float), each.bounds) for each in both)
    before, now = (max(float(quantile(each, q)), limits.latency_floor) for each in (one, other))
    within = now < limits.latency * before
    return float(ratio_log_evalue(one, other, q, limits.latency, limits.latency_floor)) if within else 0.0


def quantile_effect(
    stable: Histogram,
    canary: Histogram,
    others: tuple[Histogram, Histogram],
    q: float,
    limits: JudgeLimits,
    alpha: float,
    told: str,
) -> Effect:
    """stable, canary: to fail by. others: to pass by; estimates are theirs."""
    name = f"p{round(100 * q)}"
    estimate, low, high, decides = 1.0, 1 / WIDEST, WIDEST, None
    summary = name
    if all(each.total for each in (stable, canary, *others)):
        one, other = (Buckets(each.counts, each.bounds) for each in others)
        estimate, low, high = ratio_bounds(one, other, q, limits.latency_floor, alpha, limits.missed)
        if (stable, canary) != others:
            one_fewer = Buckets(canary.counts, canary.bounds)
            _, low, _ = ratio_bounds(
                Buckets(stable.counts, stable.bounds), one_fewer, q, limits.latency_floor, alpha, limits.missed
            )
        decides = partial(_decides, one, other, q, limits, alpha, estimate)
        before, now = (1000 * float(quantile(each, q)) for each in (one, other))
        summary = f"{name} {now:.3g} ms, stable {before:.3g} ms{told}"
    return Effect(
        measure=name,
        n=min(others[0].total, others[1].total),
        minimum=limits.min_requests,
        estimate=estimate,
        interval=(min(low, high), high),
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
