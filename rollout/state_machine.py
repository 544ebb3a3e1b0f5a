"""State machine of a rollout: from specification, state and observed facts to the next state.

Pure: no clock, no network, no Kubernetes.
"""

from collections.abc import Callable

from rollout.facts import Facts
from rollout.judge import SHADOW, TRAFFIC
from rollout.spec import FULL_WEIGHT, ShadowStep, Spec
from rollout.state import Phase, PromotionStage, State
from rollout.transitions import enter_next_step, roll_back, start_attempt, undo_promotion, wait
from rollout.window import judge_window


def advance(spec: Spec, state: State, facts: Facts) -> State:
    """The next state; only `tick` differs when nothing is decided."""
    state = _update_times(state, facts)
    if state.ended:
        return _start_again(spec, state, facts)
    if reason := _interruption(state, facts):
        if state.stage is PromotionStage.ALIAS:
            return undo_promotion(state, facts, reason)
        return roll_back(state, facts, reason, mark_version=facts.commands.aborted)
    following = _PHASES[state.phase](spec, state, facts)
    return following if following.ended else following.model_copy(update={"problem": facts.problem})


def _update_times(state: State, facts: Facts) -> State:
    """Paused time counts for no hold and no deadline; time in which the candidate is not ready always counts."""
    paused_for = facts.now - state.tick if state.paused and state.tick else 0.0
    silent = state.phase in (Phase.SHADOW, Phase.PROGRESSING) and not facts.readiness.ready
    changes = {"tick": facts.now, "since": state.since + paused_for, "paused": facts.commands.paused}
    return state.model_copy(update={**changes, "silent_since": (state.silent_since or facts.now) if silent else 0.0})


def _start_again(spec: Spec, state: State, facts: Facts) -> State:
    """Another attempt when a person asks for one, or when the candidate resolves to another version.

    The latter happens when an alias moves, when the specification names another version, and when a missing version
    appears; never after a person has aborted the rollout.
    """
    if facts.commands.retry > state.attempt:
        return start_attempt(state, facts, "a person asked to try again", facts.commands.retry)
    known = ("", facts.stable, state.candidate_version)
    if facts.candidate not in known and not facts.commands.aborted:
        reason = f"{spec.candidate} is version {facts.candidate} now"
        return start_attempt(state, facts, reason, state.attempt + 1)
    return state


def _interruption(state: State, facts: Facts) -> str:
    """Why a running rollout is rolled back whatever the judge says; empty when it is not."""
    if state.phase in (Phase.PENDING, Phase.ROLLING_BACK) or state.stage in (
        PromotionStage.SERVICE,
        PromotionStage.UNDO,
    ):
        return ""
    if facts.commands.aborted:
        return "aborted by a person"
    if state.stage in (None, PromotionStage.SHIFT) and facts.stable not in ("", state.stable_version):
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
    if unready := _roll_back_if_unready(spec, state, facts, state.since):
        return unready
    if not facts.done and facts.now - state.since > spec.ready_seconds:
        reason = f"could not begin in {spec.ready_seconds:g} s: {facts.problem or 'no reason given'}"
        return roll_back(state, facts, reason, mark_version=False)
    return wait(state, facts, facts.problem or facts.readiness.reason)


def _roll_back_if_unready(spec: Spec, state: State, facts: Facts, since: float) -> State | None:
    """Roll back a candidate that was not ready for too long, also at a gate and while paused."""
    late = facts.now - since > spec.ready_seconds
    if facts.readiness.ready or not (facts.readiness.permanent or late):
        return None
    when = "never becomes ready" if facts.readiness.permanent else f"was not ready for {spec.ready_seconds:g} s"
    return roll_back(state, facts, f"the candidate {when}: {facts.readiness.reason or 'no reason given'}")


def _shadow(spec: Spec, state: State, facts: Facts) -> State:
    if unready := _roll_back_if_unready(spec, state, facts, state.silent_since):
        return unready
    return judge_window(spec, state, facts, spec.shadow or ShadowStep(), SHADOW)


def _progressing(spec: Spec, state: State, facts: Facts) -> State:
    if facts.readiness.permanent:
        return roll_back(state, facts, f"the candidate does not answer any more: {facts.readiness.reason}")
    if facts.evidence.opened is None:
        return _await_window(spec, state, facts)
    if state.since < facts.evidence.opened:
        state = state.model_copy(update={"since": facts.evidence.opened})
    if unready := _roll_back_if_unready(spec, state, facts, state.silent_since):
        return unready
    return judge_window(spec, state, facts, spec.steps[state.step], TRAFFIC)


def _await_window(spec: Spec, state: State, facts: Facts) -> State:
    """Wait until the weight is in force and counters are read; roll back when that takes too long."""
    weight = spec.steps[state.step].weight
    if facts.now - state.since <= spec.ready_seconds:
        return wait(state, facts, f"waits for {weight} % to be in force")
    why = facts.problem or facts.readiness.reason or "no reason given"
    missing = "observed" if facts.done else "in force"
    reason = f"a weight of {weight} % was not {missing} in time: {why}"
    return roll_back(state, facts, reason, mark_version=not facts.readiness.ready)


def _promoting(spec: Spec, state: State, facts: Facts) -> State:
    stage = state.stage or PromotionStage.SHIFT
    if facts.done:
        return _finish_stage(state, facts, stage)
    late = facts.now - state.since > spec.promotion_seconds
    if not late or stage is PromotionStage.UNDO:
        return wait(state, facts, state.reason)
    reason = f"the promotion failed: {facts.problem or f'{stage} was not done in {spec.promotion_seconds:g} s'}"
    return roll_back(state, facts, reason) if stage is PromotionStage.SHIFT else undo_promotion(state, facts, reason)


def _finish_stage(state: State, facts: Facts, stage: PromotionStage) -> State:
    """What follows a stage of the promotion."""
    if stage is PromotionStage.UNDO:
        return roll_back(state, facts, state.reason)
    if stage is PromotionStage.SERVICE:
        reason = f"version {state.candidate_version} is champion and serves every request"
        ended = {"weight": FULL_WEIGHT, "stage": None, "verdict": state.verdict}
        return state.transition(facts.now, Phase.PROMOTED, reason, **ended)
    following = PromotionStage.ALIAS if stage is PromotionStage.SHIFT else PromotionStage.SERVICE
    return state.model_copy(update={"stage": following})


def _rolling_back(spec: Spec, state: State, facts: Facts) -> State:
    if not facts.done:
        return wait(state, facts, state.reason)
    kept = {"verdict": state.verdict, "findings": state.findings, "mark_version": state.mark_version}
    return state.transition(facts.now, Phase.ROLLED_BACK, state.reason, **kept)


_PHASES: dict[Phase, Callable[[Spec, State, Facts], State]] = {
    Phase.PENDING: _pending,
    Phase.STARTING: _starting,
    Phase.SHADOW: _shadow,
    Phase.PROGRESSING: _progressing,
    Phase.PROMOTING: _promoting,
    Phase.ROLLING_BACK: _rolling_back,
}
