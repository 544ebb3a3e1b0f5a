"""Are more answers made from missing features, or from stale ones?"""

from dataclasses import replace

from serving.rollout.judge.harm import Harm
from serving.rollout.judge.limits import Limits
from serving.rollout.judge.observation import Observation
from serving.rollout.judge.rates import Share, more_often
from serving.rollout.judge.registry import check


@check("features")
def features(observation: Observation, limits: Limits, alpha: float) -> list[Harm]:
    """Differences of the rates of incomplete and of degraded answers."""
    stable, canary = observation.stable, observation.canary
    gaps = more_often(
        Share(min(stable.incomplete, stable.answered), stable.answered),
        Share(min(canary.incomplete, canary.answered), canary.answered),
        limits.incomplete,
        limits,
        alpha / 2,
        "of answers lack a feature",
    )
    stale = more_often(
        Share(min(stable.degraded, stable.answered), stable.answered),
        Share(min(canary.degraded, canary.answered), canary.answered),
        limits.degraded,
        limits,
        alpha / 2,
        "of answers are from stale features",
    )
    return [replace(gaps, measure="incomplete"), replace(stale, measure="degraded")]
