"""Stages of a promotion: their order, their deadlines, and what undoes them."""

from rollout.facts import Facts
from rollout.spec import FULL_WEIGHT, Spec
from rollout.state import Phase, PromotionStage, State
from rollout.transitions import roll_back, roll_back_if_unready, take_back, undo_promotion, wait

LOST_SECONDS = 20.0
"""Time in which requests may go to servers that are not ready before a promotion is undone."""


def advance_promotion(spec: Spec, state: State, facts: Facts) -> State:
    """The next state of a rollout that is being promoted."""
    stage = state.stage or PromotionStage.SHIFT
    if facts.done:
        return _finish_stage(spec, state, facts, stage)
    if stage is PromotionStage.UNDO:
        return _undoing(spec, state, facts)
    if stage is PromotionStage.SERVICE:
        unready = _undo_if_lost(state, facts)
    else:
        unready = roll_back_if_unready(spec, state, facts, state.silent_since)
    if unready:
        return unready
    if facts.now - state.since <= spec.promotion_seconds:
        return wait(state, facts, state.reason)
    reason = f"the promotion failed: {facts.problem or f'{stage} was not done in {spec.promotion_seconds:g} s'}"
    return take_back(state, facts, reason)


def _undo_if_lost(state: State, facts: Facts) -> State | None:
    """Undo a promotion whose requests go to servers that are not ready."""
    if facts.readiness.ready or not state.silent_since:
        return None
    lost = facts.now - state.silent_since
    if not facts.readiness.permanent and lost <= LOST_SECONDS:
        return None
    return undo_promotion(state, facts, f"the promotion failed: {facts.readiness.reason or 'no server is ready'}")


def _undoing(spec: Spec, state: State, facts: Facts) -> State:
    """Wait for the alias, but not for ever, and not while no server answers: then the service goes back without it."""
    if facts.readiness.ready and facts.now - state.since <= spec.promotion_seconds:
        return wait(state, facts, state.reason)
    if facts.stable == state.stable_version:
        return roll_back(state, facts, state.reason)
    reason = (
        f"{state.reason}; the alias champion could not be given back: {facts.problem or 'no reason given'}; "
        f"'matchday model promote {state.stable_version}' does it"
    )
    return roll_back(state, facts, reason)


def _finish_stage(spec: Spec, state: State, facts: Facts, stage: PromotionStage) -> State:
    """What follows a stage of the promotion."""
    if stage is PromotionStage.UNDO:
        return roll_back(state, facts, state.reason)
    if stage is PromotionStage.SERVICE:
        reason = f"version {state.candidate_version} is champion and serves every request"
        ended = {"weight": FULL_WEIGHT, "stage": None, "verdict": state.verdict}
        if not spec.bake_seconds:
            return state.transition(facts.now, Phase.PROMOTED, reason, **ended)
        return state.transition(facts.now, Phase.BAKING, reason, evidence=facts.evidence.to_text(), **ended)
    following = PromotionStage.ALIAS if stage is PromotionStage.SHIFT else PromotionStage.SERVICE
    return state.model_copy(update={"stage": following})
