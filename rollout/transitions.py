"""Transitions of the state machine: wait, next step, roll back, undo a promotion, start another attempt."""

from dataclasses import replace

from rollout.evidence import Evidence
from rollout.facts import Facts
from rollout.spec import FULL_WEIGHT, Spec
from rollout.state import Phase, PromotionStage, State


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
        evidence = _initial_evidence(facts, weight)
        return state.transition(facts.now, Phase.PROGRESSING, reason, step=index, weight=weight, evidence=evidence)
    shift = {"weight": FULL_WEIGHT, "stage": PromotionStage.SHIFT, "verdict": state.verdict}
    return state.transition(facts.now, Phase.PROMOTING, reason, **shift)


def roll_back(state: State, facts: Facts, reason: str, *, mark_version: bool = True) -> State:
    """Roll back, and keep the findings of the judge. mark_version: whether this counts against the version."""
    kept = {"findings": state.findings, "verdict": state.verdict, "stage": None, "mark_version": mark_version}
    return state.transition(facts.now, Phase.ROLLING_BACK, reason, weight=0, **kept)


def undo_promotion(state: State, facts: Facts, reason: str) -> State:
    """Restore the alias; the roll-back of the service follows."""
    return state.transition(facts.now, Phase.PROMOTING, reason, stage=PromotionStage.UNDO)


def start_attempt(state: State, facts: Facts, reason: str, attempt: int) -> State:
    """Begin another attempt of a rollout that has ended."""
    initial = {"attempt": attempt, "step": -1, "weight": 0, "stage": None}
    return state.transition(facts.now, Phase.PENDING, reason, **initial, stable_version="", candidate_version="")


def _initial_evidence(facts: Facts, weight: int) -> str:
    """Evidence that a window starts with: restarts as last read, so that none is missed, and replayed requests.

    At 100 % also what the stable version did in the step before: it has no requests then, and may have no servers.
    """
    seen = facts.evidence
    begun = Evidence(restarts=seen.restarts and seen.restarts.begin_again(), replayed=seen.replayed)
    if weight != FULL_WEIGHT:
        return begun.to_text()
    return replace(
        begun, stable=facts.evidence.stable, pairs=facts.evidence.pairs, blocks=facts.evidence.blocks
    ).to_text()
