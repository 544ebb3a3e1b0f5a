"""State machine of a rollout: from specification, state and observed facts to the next state.

Pure: no clock, no network, no Kubernetes.
"""

from collections.abc import Callable

from rollout.bake import advance_bake
from rollout.elapsed import update_times
from rollout.facts import Facts
from rollout.judge import SHADOW, TRAFFIC
from rollout.promotion import advance_promotion
from rollout.spec import COUNTED, ShadowStep, Spec
from rollout.state import Phase, PromotionStage, State
from rollout.transitions import (
    UNDONE,
    enter_next_step,
    roll_back,
    roll_back_if_unready,
    start_attempt,
    take_back,
    undo_promotion,
    wait,
)
from rollout.window import judge_window


def advance(spec: Spec, state: State, facts: Facts) -> State:
    """The next state; only `tick` differs when nothing is decided."""
    state = update_times(state, facts)
    if state.ended:
        return _start_again(spec, state, facts)
    if reason := _interruption(state, facts):
        return take_back(state, facts, reason, mark_version=facts.commands.aborted)
    following = _PHASES[state.phase](spec, state, facts)
    return following if following.ended else following.model_copy(update={"problem": facts.problem})


def _start_again(spec: Spec, state: State, facts: Facts) -> State:
    """Another attempt when a person asks for one, or when the candidate resolves to another version.

    A promotion is taken back when a person asks for that.

    The latter happens when an alias moves, when the specification names another version, and when a missing version
    appears; never after a person has aborted the rollout.
    """
    if facts.commands.retry > state.attempt:
        return start_attempt(state, facts, "a person asked to try again", facts.commands.retry)
    known = ("", facts.stable, state.candidate_version)
    if facts.candidate not in known and not facts.commands.aborted:
        reason = f"{spec.candidate} is version {facts.candidate} now"
        return start_attempt(state, facts, reason, state.attempt + 1)
    return _undo_for_person(state, facts)


def _undo_for_person(state: State, facts: Facts) -> State:
    """Take a promotion back, or say why that cannot be."""
    if state.phase is not Phase.PROMOTED or facts.commands.undo != state.attempt:
        return state
    if facts.stable == state.candidate_version and not facts.not_yet:
        return undo_promotion(state, facts, UNDONE)
    problem = facts.not_yet or facts.refusal
    if facts.stable not in ("", state.candidate_version):
        problem = f"nothing to undo: the champion is version {facts.stable} by now, not {state.candidate_version}"
    return state.model_copy(update={"problem": problem})


def _interruption(state: State, facts: Facts) -> str:
    """Why a running rollout is rolled back whatever the judge says; empty when it is not."""
    if state.phase in (Phase.PENDING, Phase.ROLLING_BACK) or state.stage is PromotionStage.UNDO:
        return ""
    if facts.commands.aborted:
        return "aborted by a person"
    before_alias = state.stage in (None, PromotionStage.SHIFT) and state.phase is not Phase.BAKING
    if before_alias and facts.stable not in ("", state.stable_version):
        return f"the champion became version {facts.stable} meanwhile"
    return ""


def _pending(spec: Spec, state: State, facts: Facts) -> State:
    refusal = "aborted by a person before it began" if facts.commands.aborted else facts.refusal
    versions = {"candidate_version": facts.candidate, "stable_version": facts.stable}
    if refusal:
        return state.transition(facts.now, Phase.REFUSED, refusal, **versions)
    if facts.not_yet or state.paused:
        return state.model_copy(update={"reason": facts.not_yet or "paused before it began"})
    reason = f"version {facts.candidate} beside version {facts.stable}"
    return state.transition(facts.now, Phase.STARTING, reason, **versions, step=-1)


def _starting(spec: Spec, state: State, facts: Facts) -> State:
    if facts.readiness.ready and facts.done and not state.paused:
        return enter_next_step(spec, state, facts, "the candidate is ready")
    if unready := roll_back_if_unready(spec, state, facts, state.since):
        return unready
    if not facts.done and facts.now - state.since > spec.ready_seconds:
        reason = f"could not begin in {spec.ready_seconds:g} s: {facts.problem or 'no reason given'}"
        return roll_back(state, facts, reason, mark_version=False)
    return wait(state, facts, facts.problem or facts.readiness.reason)


def _shadow(spec: Spec, state: State, facts: Facts) -> State:
    if unready := roll_back_if_unready(spec, state, facts, state.silent_since):
        return unready
    return judge_window(spec, state, facts, spec.shadow or ShadowStep(), SHADOW)


def _progressing(spec: Spec, state: State, facts: Facts) -> State:
    if facts.readiness.permanent:
        return roll_back(state, facts, f"the candidate does not answer any more: {facts.readiness.reason}")
    if facts.evidence.opened is None:
        return _await_window(spec, state, facts)
    if state.opened != facts.evidence.opened:
        opened = min(facts.evidence.opened, facts.now)
        state = state.model_copy(update={"since": max(state.since, opened), "opened": facts.evidence.opened})
    if unready := roll_back_if_unready(spec, state, facts, state.silent_since):
        return unready
    checks = [name for name in TRAFFIC if name in COUNTED] if spec.storage_uri else TRAFFIC
    return judge_window(spec, state, facts, spec.steps[state.step], checks)


def _await_window(spec: Spec, state: State, facts: Facts) -> State:
    """Wait until the weight is in force and counters are read; roll back when that takes too long."""
    weight = spec.steps[state.step].weight
    if facts.now - state.since <= spec.ready_seconds:
        return wait(state, facts, f"waits for {weight} % to be in force")
    why = facts.problem or facts.readiness.reason or "no reason given"
    missing = "observed" if facts.done else "in force"
    reason = f"a weight of {weight} % was not {missing} in time: {why}"
    return roll_back(state, facts, reason, mark_version=not facts.readiness.ready)


def _rolling_back(spec: Spec, state: State, facts: Facts) -> State:
    if not facts.done:
        stalled = facts.now - state.since > spec.promotion_seconds
        return wait(state, facts, state.reason).model_copy(update={"stalled": stalled})
    kept = {"verdict": state.verdict, "findings": state.findings, "mark_version": state.mark_version}
    return state.transition(facts.now, Phase.ROLLED_BACK, state.reason, **kept)


_PHASES: dict[Phase, Callable[[Spec, State, Facts], State]] = {
    Phase.PENDING: _pending,
    Phase.STARTING: _starting,
    Phase.SHADOW: _shadow,
    Phase.PROGRESSING: _progressing,
    Phase.PROMOTING: advance_promotion,
    Phase.BAKING: advance_bake,
    Phase.ROLLING_BACK: _rolling_back,
}
