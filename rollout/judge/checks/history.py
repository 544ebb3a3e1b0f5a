"""Check `history`: worse forecasts of past weeks. Made once, before any traffic."""

from rollout.judge.arrays import FloatArray
from rollout.judge.check import check
from rollout.judge.effect import Effect
from rollout.judge.limits import JudgeLimits
from rollout.judge.observation import Observation
from rollout.judge.paired_mean import mean_bounds, single_look_width
from rollout.judge.paired_score import score_effect


def _bounds(scores: FloatArray, alpha_low: float, alpha_high: float) -> tuple[float, tuple[float, float]]:
    return mean_bounds(scores, single_look_width, alpha_low, alpha_high)


@check("history", weight=10, single_look=True)
def history(observation: Observation, limits: JudgeLimits, alpha: float) -> list[Effect] | None:
    """Mean paired difference of the scores of walk-forward forecasts; Student's t, as it is looked at once."""
    if observation.history is None:
        return None
    return [score_effect("", observation.history, limits.min_history, _bounds, limits, alpha)]
