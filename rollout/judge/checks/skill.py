"""Check `skill`: worse forecasts of matches played since, on those that both versions forecast."""

from rollout.judge.betting import Span
from rollout.judge.check import check
from rollout.judge.effect import Effect
from rollout.judge.limits import JudgeLimits
from rollout.judge.observation import Observation
from rollout.judge.paired_mean import bounded_mean_bounds, mean_bounds, sequential_width
from rollout.judge.paired_score import Bounds, score_effect

TUNED = 100
"""Matches at which the asymptotic interval is narrowest: ten rounds."""


@check("skill", awaited=False)
def skill(observation: Observation, limits: JudgeLimits, alpha: float) -> list[Effect] | None:
    """Mean paired difference of scores. Results take weeks, so a rollout waits for them only if limits require it."""
    if observation.skill is None:
        return None
    bounds = _bounds(observation.largest_score, limits)
    return [score_effect("live", observation.skill, limits.min_matches, bounds, limits, alpha)]


def _bounds(largest_score: float | None, limits: JudgeLimits) -> Bounds:
    """Betting bounds for a score that has a largest value, exact from the first match; else asymptotic ones."""
    if largest_score is None:
        return lambda scores, low, high: mean_bounds(scores, sequential_width(TUNED), low, high)
    span, within = Span(-largest_score, largest_score), limits.skill + limits.skill_margin
    return lambda scores, low, high: bounded_mean_bounds(scores, span, limits.skill, within, low, high)
