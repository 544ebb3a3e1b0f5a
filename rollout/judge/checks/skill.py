"""Does it forecast worse the matches that both versions have forecast, as they are played?"""

from rollout.judge.harm import Harm
from rollout.judge.limits import Limits
from rollout.judge.observation import Observation
from rollout.judge.paired import at_every_look
from rollout.judge.registry import check
from rollout.judge.scores import worse

TUNED = 100
"""Matches at which the interval is narrowest: ten rounds."""


@check("skill", patient=False)
def skill(observation: Observation, limits: Limits, alpha: float) -> list[Harm] | None:
    """Mean paired difference of scores. Results come in weeks, so a rollout waits for them only if it is told to."""
    if observation.skill is None:
        return None
    return [worse("live", observation.skill, limits.min_matches, at_every_look(TUNED), limits, alpha)]
