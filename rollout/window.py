"""Judged windows: what the judge's verdict on the shadow step or on a traffic step leads to."""

from collections.abc import Sequence

from matchday.models.catalogue import KINDS
from rollout.facts import Facts
from rollout.gates import gate_after, needs_approval
from rollout.judge import Judgement, Verdict, judge, step_alphas
from rollout.spec import ShadowStep, Spec, TrafficStep, UndecidedPolicy
from rollout.state import Phase, State
from rollout.transitions import enter_next_step, roll_back, wait


def window_alpha(spec: Spec, phase: Phase) -> float:
    """Chance that one window fails a candidate as good as the champion."""
    alphas = step_alphas(len(spec.steps), shadow=spec.shadow is not None)
    return alphas[0] if phase is Phase.SHADOW else alphas[-1]


def judge_window(
    spec: Spec, state: State, facts: Facts, step: TrafficStep | ShadowStep, checks: Sequence[str]
) -> State:
    """Ask the judge, then roll back, go on, or stay."""
    passed = facts.now - state.since
    late = passed >= step.deadline_seconds
    observation = facts.evidence.observation(_class_labels(spec.model))
    judgement = judge(observation, spec.limits, alpha=window_alpha(spec, state.phase), checks=checks, time_up=late)
    state = _record(state, facts, judgement)
    if judgement.verdict is Verdict.FAIL:
        return roll_back(state, facts, judgement.reason)
    if not facts.readiness.ready:
        return _stay_unready(spec, state, facts, late)
    if state.gate:
        return _await_approval(spec, state, facts)
    if judgement.verdict is Verdict.INCONCLUSIVE:
        return _apply_undecided_policy(spec, state, facts, judgement.reason, late)
    enough = facts.evidence.canary.requests >= (step.min_requests if isinstance(step, TrafficStep) else 0)
    if late and not enough:
        return _apply_undecided_policy(spec, state, facts, "too few requests for this step", late)
    if judgement.verdict is not Verdict.PASS or passed < step.hold_seconds or not enough or state.paused:
        return state
    if needs_approval(spec, state, step):
        gate = gate_after(spec, state)
        return state.model_copy(update={"gate": gate, "reason": f"{judgement.reason}; waits for approval of {gate}"})
    return enter_next_step(spec, state, facts, judgement.reason)


def _class_labels(model: str) -> tuple[str, ...]:
    """Names of the model's classes, for people; none for a model that is not in the catalogue."""
    return KINDS[model].output.labels if model in KINDS else ()


def _record(state: State, facts: Facts, judgement: Judgement) -> State:
    """The state with the judgement. At a gate the reason stays that of the gate."""
    findings = tuple(finding.to_dict() for finding in judgement.findings)
    changes = {"verdict": str(judgement.verdict), "findings": findings, "evidence": facts.evidence.to_text()}
    return state.model_copy(update={**changes, "reason": state.reason if state.gate else judgement.reason})


def _stay_unready(spec: Spec, state: State, facts: Facts, late: bool) -> State:
    """A candidate that is not ready now does not go on, whatever it did before."""
    reason = f"the candidate does not answer: {facts.readiness.reason or 'no reason given'}"
    if late and not state.gate:
        return _apply_undecided_policy(spec, state, facts, reason, late)
    return wait(state, facts, reason)


def _await_approval(spec: Spec, state: State, facts: Facts) -> State:
    if facts.commands.approved != state.gate or state.paused:
        return state
    return enter_next_step(spec, state, facts, f"a person approved {state.gate}")


def _apply_undecided_policy(spec: Spec, state: State, facts: Facts, reason: str, late: bool) -> State:
    """Roll back or ask a person when the deadline has passed without a verdict, or past weeks give none."""
    why = f"{'no verdict before the deadline' if late else 'past weeks give no verdict'}: {reason}"
    if spec.undecided is UndecidedPolicy.ROLL_BACK:
        return roll_back(state, facts, why)
    gate = gate_after(spec, state)
    return state.model_copy(update={"gate": gate, "reason": f"{why}; a person approves {gate} or aborts"})
