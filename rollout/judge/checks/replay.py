"""Check `replay`: errors and durations of requests that the rollout makes of both versions, before any traffic."""

from dataclasses import replace

from rollout.judge.check import check
from rollout.judge.checks.latency import QUANTILES, quantile_effect
from rollout.judge.effect import Effect
from rollout.judge.limits import JudgeLimits
from rollout.judge.observation import Observation
from rollout.judge.rate_effect import Share, rate_effect


@check("replay")
def replay(observation: Observation, limits: JudgeLimits, alpha: float) -> list[Effect] | None:
    """Difference of the error rates, and ratios of the latency quantiles.

    Once all requests are made it is settled as far as they can: what is still open is left to the steps with traffic.
    """
    seen = observation.replayed
    if seen is None:
        return None
    before, now = (Share(each.failed, each.requests) for each in (seen.stable, seen.canary))
    what = "of replayed requests not answered"
    found = [replace(rate_effect(before, now, limits.errors, limits, alpha / 2, what), measure="errors")]
    if seen.stable.latency and seen.canary.latency:
        both, part = (seen.stable.latency, seen.canary.latency), alpha / 2 / len(QUANTILES)
        found += [quantile_effect(*both, both, q, limits, part, " of replayed requests") for q in QUANTILES]
    return [replace(effect, guard=seen.ended, units="replayed requests") for effect in found]
