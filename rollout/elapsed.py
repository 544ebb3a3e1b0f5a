"""Time that a step, a hold or a deadline has taken, by a clock that may jump."""

from rollout.facts import Facts
from rollout.state import Phase, PromotionStage, State

MOST_ROUND_SECONDS = 60.0
"""Most that one round adds to the time that a step, hold or deadline has taken."""
WATCHED = frozenset({Phase.SHADOW, Phase.PROGRESSING, Phase.PROMOTING, Phase.BAKING})
"""Phases whose servers must stay ready."""


def update_times(state: State, facts: Facts) -> State:
    """Paused time counts for no hold and no deadline of a rollout that goes on; all time counts on the way back.

    Time in which the candidate is not ready always counts.

    A round adds between nothing and MOST_ROUND_SECONDS: more, or less than nothing, is a clock that jumped, or a time
    without rounds. The starts move by the difference, so that they stay comparable with the clock as it is now.
    """
    passed = facts.now - state.tick if state.tick else 0.0
    counted = passed if state.ended else min(max(passed, 0.0), MOST_ROUND_SECONDS)
    goes_back = state.phase is Phase.ROLLING_BACK or state.stage is PromotionStage.UNDO
    since = state.since + (passed if state.paused and not goes_back else passed - counted)
    silent_since = 0.0
    if state.phase in WATCHED and not facts.readiness.ready:
        silent_since = state.silent_since + passed - counted if state.silent_since else facts.now
    paused = facts.commands.paused and not facts.commands.aborted
    return state.model_copy(update={"tick": facts.now, "since": since, "silent_since": silent_since, "paused": paused})
