"""Check `features`: more answers made from missing or stale features."""

from dataclasses import replace

from rollout.judge.check import check
from rollout.judge.cohort import Cohort
from rollout.judge.effect import Effect
from rollout.judge.limits import JudgeLimits
from rollout.judge.observation import Observation
from rollout.judge.rate_effect import Share, rate_effect


@check("features")
def features(observation: Observation, limits: JudgeLimits, alpha: float) -> list[Effect]:
    """Differences of the rates of incomplete and of degraded answers."""
    stable, canary = _incomplete(observation.stable), _incomplete(observation.canary)
    missing = rate_effect(stable, canary, limits.incomplete, limits, alpha / 2, "of answers lack a feature")
    stable, canary = _degraded(observation.stable), _degraded(observation.canary)
    stale = rate_effect(stable, canary, limits.degraded, limits, alpha / 2, "of answers are from stale features")
    return [replace(missing, measure="incomplete"), replace(stale, measure="degraded")]


def _incomplete(cohort: Cohort) -> Share:
    return Share(min(cohort.incomplete, cohort.answered), cohort.answered)


def _degraded(cohort: Cohort) -> Share:
    return Share(min(cohort.degraded, cohort.answered), cohort.answered)
