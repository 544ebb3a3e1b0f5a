"""Judged windows: what the judge's verdict on the shadow step or on a traffic step leads to."""

import math
from collections.abc import Sequence
from dataclasses import replace

from matchday.models.catalogue import KINDS
from rollout.facts import Facts
from rollout.gates import gate_after, needs_approval
from rollout.judge import Judgement, Verdict, describe_needs, judge, step_alphas
from rollout.query_evidence import queried_checks
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
    late = _is_late(state, facts, step)
    observation = facts.evidence.observation(_class_labels(spec.model), _largest_score(spec.model))
    if state.phase is not Phase.SHADOW:
        observation = replace(observation, queried=queried_checks(spec.checks, facts.evidence.queried))
    judgement = judge(observation, spec.limits, alpha=window_alpha(spec, state.phase), checks=checks, time_up=late)
    state = _record(state, facts, judgement, step.deadline_seconds - passed)
    if judgement.verdict is Verdict.FAIL:
        return roll_back(state, facts, judgement.reason)
    if not facts.readiness.ready:
        return _stay_unready(spec, state, facts, step)
    if state.gate and facts.commands.approved == state.gate and not state.paused:
        return enter_next_step(spec, state, facts, f"a person approved {state.gate}")
    enough = facts.evidence.canary.requests >= (step.min_requests if isinstance(step, TrafficStep) else 0)
    if judgement.verdict is Verdict.INCONCLUSIVE or (late and not enough):
        reason = judgement.reason if enough else "too few requests for this step"
        return _apply_undecided_policy(spec, state, facts, step, reason)
    if judgement.verdict is not Verdict.PASS or passed < step.hold_seconds or not enough or state.paused:
        return state
    if needs_approval(spec, state, step) or (state.gate and spec.undecided is not UndecidedPolicy.WAIT):
        gate = gate_after(spec, state)
        return state.model_copy(update={"gate": gate, "reason": f"{judgement.reason}; waits for approval of {gate}"})
    return enter_next_step(spec, state, facts, judgement.reason)


def _class_labels(model: str) -> tuple[str, ...]:
    """Names of the model's classes, for people; none for a model that is not in the catalogue."""
    return KINDS[model].output.labels if model in KINDS else ()


def _largest_score(model: str) -> float | None:
    """Largest score of a match; None where there is none, and for a model that is not in the catalogue."""
    largest = KINDS[model].score.largest if model in KINDS else math.inf
    return largest if math.isfinite(largest) else None


def _record(state: State, facts: Facts, judgement: Judgement, left: float) -> State:
    """The state with the judgement. At a gate the reason stays that of the gate. left: seconds to the deadline."""
    findings = tuple(finding.to_dict() for finding in judgement.findings)
    changes = {"verdict": str(judgement.verdict), "findings": findings, "evidence": facts.evidence.to_text()}
    opened = facts.evidence.opened
    seconds = max(facts.now - opened, facts.now - state.since) if opened is not None else 0.0
    rate = facts.evidence.canary.requests / seconds if seconds > 0 else 0.0
    passed = seconds or facts.now - state.since
    changes["needs"] = describe_needs(judgement.findings, rate, left if left > 0 else None, passed)
    return state.model_copy(update={**changes, "reason": state.reason if state.gate else judgement.reason})


def _stay_unready(spec: Spec, state: State, facts: Facts, step: TrafficStep | ShadowStep) -> State:
    """A candidate that is not ready now does not go on, whatever it did before."""
    reason = f"the candidate does not answer: {facts.readiness.reason or 'no reason given'}"
    if _is_late(state, facts, step) and not state.gate:
        return _apply_undecided_policy(spec, state, facts, step, reason)
    return wait(state, facts, reason)


def _apply_undecided_policy(
    spec: Spec, state: State, facts: Facts, step: TrafficStep | ShadowStep, reason: str
) -> State:
    """Wait, ask a person or roll back when the deadline has passed without a verdict, or past weeks give none.

    Too little evidence is not held against the candidate: its version is not marked. A rollout that is at a gate stays
    there.
    """
    late = _is_late(state, facts, step)
    why = f"{'no verdict before the deadline' if late else 'past weeks give no verdict'}: {reason}"
    state = state.model_copy(update={"verdict": str(Verdict.INCONCLUSIVE)})
    if spec.undecided is UndecidedPolicy.ROLL_BACK:
        return state if state.gate else roll_back(state, facts, why, mark_version=False)
    gate = gate_after(spec, state)
    alone = spec.undecided is UndecidedPolicy.WAIT and not needs_approval(spec, state, step)
    goes_on = "it goes on when the evidence suffices; " if alone else ""
    return state.model_copy(update={"gate": gate, "reason": f"{why}; {goes_on}a person approves {gate} or aborts"})


def _is_late(state: State, facts: Facts, step: TrafficStep | ShadowStep) -> bool:
    return facts.now - state.since >= step.deadline_seconds
