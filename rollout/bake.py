"""Bake of a promotion: the promoted version serves every request and is watched; it may yet go back by itself."""

from rollout.facts import Facts
from rollout.gates import bake_gate
from rollout.judge import Judgement, Verdict, judge_promoted
from rollout.spec import FULL_WEIGHT, Spec
from rollout.state import Phase, State
from rollout.transitions import UNDONE, roll_back_if_unready, take_back
from rollout.window import window_alpha

MINUTE = 60.0


def advance_bake(spec: Spec, state: State, facts: Facts) -> State:
    """The next state of a promoted rollout that is still watched."""
    if facts.commands.undo == state.attempt:
        return take_back(state, facts, UNDONE)
    if facts.stable not in ("", state.candidate_version):
        return _end(state, facts, f"the champion is version {facts.stable} by now: its bake ends")
    alpha = window_alpha(spec, Phase.PROGRESSING)
    over = not state.paused and facts.now - state.since >= spec.bake_seconds
    judgement = judge_promoted(facts.evidence.observation(), spec.limits, alpha=alpha, time_up=over)
    state = _record(spec, state, facts, judgement)
    if judgement.verdict is Verdict.FAIL:
        return take_back(state, facts, f"after its promotion: {judgement.reason}")
    if unready := roll_back_if_unready(spec, state, facts, state.silent_since):
        return unready
    champion = f"version {state.candidate_version} is champion and serves every request"
    if facts.commands.approved == bake_gate(state):
        return _end(state, facts, f"{champion}: a person ended its bake")
    if not over:
        return state
    blind = f"; at its end it was not watched: {facts.problem}" if facts.problem else ""
    return _end(state, facts, f"{champion}: its bake has ended, {judgement.reason}{blind}")


def describe_rest(spec: Spec, state: State, now: float) -> str:
    """How much of the bake is left, for people. now: Unix seconds."""
    left = max(0.0, state.since + spec.bake_seconds - now)
    return f"about {left / MINUTE:.0f} min more" if left >= 2 * MINUTE else f"{left:.0f} s more"


def _record(spec: Spec, state: State, facts: Facts, judgement: Judgement) -> State:
    """The state with what was found. The verdict stays that of the promotion until something is found."""
    findings = tuple(finding.to_dict() for finding in judgement.findings)
    verdict = str(judgement.verdict) if judgement.verdict is Verdict.FAIL else state.verdict
    changes = {"findings": findings, "verdict": verdict, "evidence": facts.evidence.to_text()}
    rest = f"{describe_rest(spec, state, facts.now)}, to the end of the bake"
    return state.model_copy(update={**changes, "opened": facts.evidence.opened or 0.0, "needs": rest})


def _end(state: State, facts: Facts, reason: str) -> State:
    return state.transition(facts.now, Phase.PROMOTED, reason, weight=FULL_WEIGHT, verdict=state.verdict)
