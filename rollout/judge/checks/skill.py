"""Check `skill`: worse forecasts of matches played since, on those that both versions forecast."""

from rollout.judge.check import check
from rollout.judge.effect import Effect
from rollout.judge.limits import JudgeLimits
from rollout.judge.observation import Observation
from rollout.judge.paired_mean import sequential_width
from rollout.judge.paired_score import score_effect

TUNED = 100
"""Matches at which the interval is narrowest: ten rounds."""


@check("skill", awaited=False)
def skill(observation: Observation, limits: JudgeLimits, alpha: float) -> list[Effect] | None:
    """Mean paired difference of scores. Results take weeks, so a rollout waits for them only if limits require it."""
    if observation.skill is None:
        return None
    return [score_effect("live", observation.skill, limits.min_matches, sequential_width(TUNED), limits, alpha)]
