"""Transitions of the state machine: wait, next step, roll back, undo a promotion, start another attempt."""

from rollout.evidence import Evidence
from rollout.facts import Facts
from rollout.spec import FULL_WEIGHT, Spec
from rollout.state import Phase, PromotionStage, State

UNDONE = "a person takes the promotion back"


def wait(state: State, facts: Facts, reason: str) -> State:
    """The same state with the reason why it stays; the former reason when none is given."""
    return state.model_copy(update={"reason": reason or state.reason, "evidence": facts.evidence.to_text()})


def enter_next_step(spec: Spec, state: State, facts: Facts, reason: str) -> State:
    """The shadow step after the start, then one traffic step after the other, then the promotion."""
    if state.phase is Phase.STARTING and spec.shadow:
        return state.transition(facts.now, Phase.SHADOW, reason)
    index = state.step + 1
    if index < len(spec.steps):
        weight = spec.steps[index].weight
        evidence = _initial_evidence(facts)
        return state.transition(facts.now, Phase.PROGRESSING, reason, step=index, weight=weight, evidence=evidence)
    shift = {"weight": FULL_WEIGHT, "stage": PromotionStage.SHIFT, "verdict": state.verdict}
    shift["evidence"] = facts.evidence.as_baseline().to_text() if spec.bake_seconds else ""
    return state.transition(facts.now, Phase.PROMOTING, reason, **shift)


def roll_back(state: State, facts: Facts, reason: str, *, mark_version: bool = True) -> State:
    """Roll back, and keep the findings of the judge. mark_version: whether this counts against the version."""
    kept = {"findings": state.findings, "verdict": state.verdict, "stage": None, "mark_version": mark_version}
    return state.transition(facts.now, Phase.ROLLING_BACK, reason, weight=0, **kept)


def undo_promotion(state: State, facts: Facts, reason: str) -> State:
    """Restore the alias; the roll-back of the service follows. What a bake has found is kept."""
    kept = {"findings": state.findings, "verdict": state.verdict} if state.phase is Phase.BAKING else {}
    return state.transition(facts.now, Phase.PROMOTING, reason, stage=PromotionStage.UNDO, **kept)


def take_back(state: State, facts: Facts, reason: str, *, mark_version: bool = True) -> State:
    """Roll back; first undo a promotion that may have moved the alias."""
    if state.phase is Phase.BAKING or state.stage in (PromotionStage.ALIAS, PromotionStage.SERVICE):
        return undo_promotion(state, facts, reason)
    return roll_back(state, facts, reason, mark_version=mark_version)


def roll_back_if_unready(spec: Spec, state: State, facts: Facts, since: float) -> State | None:
    """Roll back a candidate that was not ready for too long, also at a gate and while paused."""
    late = facts.now - since > spec.ready_seconds
    if facts.readiness.ready or not (facts.readiness.permanent or late):
        return None
    when = "never becomes ready" if facts.readiness.permanent else f"was not ready for {spec.ready_seconds:g} s"
    return take_back(state, facts, f"the candidate {when}: {facts.readiness.reason or 'no reason given'}")


def start_attempt(state: State, facts: Facts, reason: str, attempt: int) -> State:
    """Begin another attempt of a rollout that has ended."""
    retried = facts.commands.retry if facts.commands.retry == attempt else state.retried
    initial = {"attempt": attempt, "retried": retried, "step": -1, "weight": 0, "stage": None}
    return state.transition(facts.now, Phase.PENDING, reason, **initial, stable_version="", candidate_version="")


def _initial_evidence(facts: Facts) -> str:
    """Evidence that a window starts with: restarts as last read, so that none is missed, and requests of the shadow."""
    seen = facts.evidence
    restarts, mirrored = seen.restarts and seen.restarts.begin_again(), seen.mirrored and seen.mirrored.close()
    return Evidence(restarts=restarts, replayed=seen.replayed, mirrored=mirrored).to_text()
