"""Are more answers made from missing features, or from stale ones?"""

from dataclasses import replace

from rollout.judge.harm import Harm
from rollout.judge.limits import Limits
from rollout.judge.observation import Cohort, Observation
from rollout.judge.rates import Share, more_often
from rollout.judge.registry import check


@check("features")
def features(observation: Observation, limits: Limits, alpha: float) -> list[Harm]:
    """Differences of the rates of incomplete and of degraded answers."""
    stable, canary = _incomplete(observation.stable), _incomplete(observation.canary)
    gaps = more_often(stable, canary, limits.incomplete, limits, alpha / 2, "of answers lack a feature")
    stable, canary = _degraded(observation.stable), _degraded(observation.canary)
    stale = more_often(stable, canary, limits.degraded, limits, alpha / 2, "of answers are from stale features")
    return [replace(gaps, measure="incomplete"), replace(stale, measure="degraded")]


def _incomplete(cohort: Cohort) -> Share:
    return Share(min(cohort.incomplete, cohort.answered), cohort.answered)


def _degraded(cohort: Cohort) -> Share:
    return Share(min(cohort.degraded, cohort.answered), cohort.answered)
