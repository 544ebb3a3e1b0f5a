"""Did it forecast past weeks worse? Asked once, before any traffic."""

from rollout.judge.harm import Harm
from rollout.judge.limits import Limits
from rollout.judge.observation import Observation
from rollout.judge.paired import at_one_look
from rollout.judge.registry import check
from rollout.judge.scores import worse


@check("history", weight=5, once=True)
def history(observation: Observation, limits: Limits, alpha: float) -> list[Harm] | None:
    """Mean paired difference of the scores of walk-forward forecasts. One look needs no sequence: Student's t."""
    if observation.history is None:
        return None
    return [worse("", observation.history, limits.min_history, at_one_look, limits, alpha)]
