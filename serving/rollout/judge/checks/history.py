"""Did it forecast past weeks worse? Asked once, before any traffic."""

from serving.rollout.judge.harm import Harm
from serving.rollout.judge.limits import Limits
from serving.rollout.judge.observation import Observation
from serving.rollout.judge.paired import at_one_look
from serving.rollout.judge.registry import check
from serving.rollout.judge.scores import worse


@check("history", weight=5, once=True)
def history(observation: Observation, limits: Limits, alpha: float) -> list[Harm] | None:
    """Mean paired difference of the scores of walk-forward forecasts. One look needs no sequence: Student's t."""
    if observation.history is None:
        return None
    return [worse("", observation.history, limits.min_history, at_one_look, limits, alpha)]
