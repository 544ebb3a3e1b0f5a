"""Is it slower, in the middle or in the tail?"""

from rollout.judge.harm import Harm
from rollout.judge.limits import Limits
from rollout.judge.observation import Histogram, Observation
from rollout.judge.quantiles import WIDEST, Buckets, quantile, ratio_bounds
from rollout.judge.registry import check

QUANTILES = (0.5, 0.95, 0.99)


@check("latency")
def latency(observation: Observation, limits: Limits, alpha: float) -> list[Harm] | None:
    """Ratios of the quantiles of the time that requests took; faster than the floor counts as the floor."""
    stable, canary = observation.stable.latency, observation.canary.latency
    if stable is None or canary is None:
        return None
    return [_slower(stable, canary, q, limits, alpha / len(QUANTILES)) for q in QUANTILES]


def _slower(stable: Histogram, canary: Histogram, q: float, limits: Limits, alpha: float) -> Harm:
    name = f"p{round(100 * q)}"
    estimate, low, high = 1.0, 1 / WIDEST, WIDEST
    told = name
    if stable.total and canary.total:
        one, other = Buckets(stable.counts, stable.bounds), Buckets(canary.counts, canary.bounds)
        estimate, low, high = ratio_bounds(one, other, q, limits.latency_floor, alpha, limits.missed)
        before, now = (1000 * float(quantile(each, q)) for each in (one, other))
        told = f"{name} {now:.3g} ms, stable {before:.3g} ms"
    return Harm(
        measure=name,
        n=min(stable.total, canary.total),
        minimum=limits.min_requests,
        estimate=estimate,
        interval=(low, high),
        limit=limits.latency,
        told=told,
        show=lambda ratio: f"{ratio:.2f} times",
    )
