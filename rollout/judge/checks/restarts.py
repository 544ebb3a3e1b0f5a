"""Check `restarts`: a server of the candidate crashed. No statistics: one restart is a fault that people notice."""

from rollout.judge.check import check
from rollout.judge.effect import Effect
from rollout.judge.limits import JudgeLimits
from rollout.judge.observation import Observation

MOST_BEFORE = 2
"""Restarts of a server before the window that are taken for a slow start, as while a store was not there yet."""


@check("restarts", weight=0)
def restarts(observation: Observation, limits: JudgeLimits, alpha: float) -> list[Effect] | None:
    """One effect when a server restarted within the window, or too often before it; nothing otherwise.

    Without a restart there is no finding: a candidate does not pass because its server stands.
    """
    seen = observation.restarts
    if seen is None or (not seen.within and seen.before <= MOST_BEFORE):
        return []
    if seen.within:
        summary, count, limit = f"servers of the candidate restarted {_times(seen.within)} in this step", seen.within, 0
    else:
        summary = f"a server of the candidate had restarted {_times(seen.before)} before this step"
        count, limit = seen.before, MOST_BEFORE
    return [
        Effect(
            n=count,
            minimum=0,
            estimate=count,
            interval=(count, count),
            limit=limit,
            summary=summary,
            render=lambda times: f"{times:.0f}",
            units="restarts",
        )
    ]


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
