"""The way of a rollout: from a state and what was seen to the next state. No clock, no network, no Kubernetes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from matchday.models.catalogue import KINDS
from rollout.evidence import Evidence
from rollout.judge import SHADOW, TRAFFIC, Judgement, Verdict, judge, step_alphas
from rollout.spec import FULL_WEIGHT, PromotionPolicy, ShadowStep, Spec, TrafficStep, UndecidedPolicy
from rollout.splitter import Readiness
from rollout.state import Commands, Phase, PromotionStage, State

PROMOTION = "promotion"
"""The last gate."""


@dataclass(frozen=True)
class Facts:
    """What is seen at one look. now: Unix seconds.

    stable, candidate: the versions that champion and the spec's candidate mean now, empty when nobody says. refusal:
    why this rollout may not begin; waits: why it may not begin yet. done: what the state orders is in force. problem:
    why it is not, or is not seen. evidence: of the window, with this look.
    """

    now: float
    requests: Commands = field(default_factory=Commands)
    stable: str = ""
    candidate: str = ""
    refusal: str = ""
    waits: str = ""
    readiness: Readiness = field(default_factory=lambda: Readiness(False))
    done: bool = False
    problem: str = ""
    evidence: Evidence = field(default_factory=Evidence)


def advance(spec: Spec, state: State, facts: Facts) -> State:
    """The next state; the same but for its `tick` when nothing is decided."""
    state = _timed(state, facts)
    if state.ended:
        return _again(spec, state, facts)
    if reason := _broken_off(state, facts):
        return _undone(state, facts, reason) if state.stage is PromotionStage.ALIAS else _back(state, facts, reason)
    following = _STEPS[state.phase](spec, state, facts)
    return following if following.ended else following.model_copy(update={"problem": facts.problem})


def share(spec: Spec, phase: Phase) -> float:
    """The chance that one window has of failing a candidate as good as the champion."""
    alphas = step_alphas(len(spec.steps), shadow=spec.shadow is not None)
    return alphas[0] if phase is Phase.SHADOW else alphas[-1]


def _timed(state: State, facts: Facts) -> State:
    """The time that a rollout is paused counts for no hold and no deadline; that a candidate is silent, always."""
    gone = facts.now - state.tick if state.paused and state.tick else 0.0
    silent = state.phase in (Phase.SHADOW, Phase.PROGRESSING) and not facts.readiness.ready
    changes = {"tick": facts.now, "since": state.since + gone, "paused": facts.requests.paused}
    return state.model_copy(update={**changes, "silent_since": (state.silent_since or facts.now) if silent else 0.0})


def _again(spec: Spec, state: State, facts: Facts) -> State:
    """An ended rollout begins anew when a person asks, or when its candidate has come to mean another version.

    It does when an alias has moved, when the spec names another version, and when one has appeared that was absent; and
    never by itself after a person has aborted it.
    """
    other = not facts.requests.aborted and facts.candidate not in ("", facts.stable, state.candidate_version)
    if facts.requests.retry > state.attempt:
        return _begin(state, facts, "a person asked to try again", facts.requests.retry)
    if other:
        return _begin(state, facts, f"{spec.candidate} is version {facts.candidate} now", state.attempt + 1)
    return state


def _begin(state: State, facts: Facts, reason: str, attempt: int) -> State:
    fresh = {"attempt": attempt, "step": -1, "weight": 0, "stage": None}
    return state.to(facts.now, Phase.PENDING, reason, **fresh, stable_version="", candidate_version="")


def _broken_off(state: State, facts: Facts) -> str:
    """Why a running rollout goes back whatever the judge says."""
    if state.phase in (Phase.PENDING, Phase.ROLLING_BACK) or state.stage in (
        PromotionStage.SERVICE,
        PromotionStage.UNDO,
    ):
        return ""
    if facts.requests.aborted:
        return "aborted by a person"
    if state.stage in (None, PromotionStage.SHIFT) and facts.stable not in ("", state.stable_version):
        return f"the champion became version {facts.stable} meanwhile"
    return ""


def _pending(spec: Spec, state: State, facts: Facts) -> State:
    refusal = "aborted by a person before it began" if facts.requests.aborted else facts.refusal
    if refusal:
        known = {"candidate_version": facts.candidate, "stable_version": facts.stable}
        return state.to(facts.now, Phase.REFUSED, refusal, **known)
    if facts.waits or state.paused:
        return state.model_copy(update={"reason": facts.waits or "paused before it began"})
    reason = f"version {facts.candidate} beside version {facts.stable}"
    return state.to(
        facts.now, Phase.STARTING, reason, stable_version=facts.stable, candidate_version=facts.candidate, step=-1
    )


def _starting(spec: Spec, state: State, facts: Facts) -> State:
    if facts.readiness.ready and facts.done and not state.paused:
        return _next(spec, state, facts, "the candidate is ready")
    if unready := _unready(spec, state, facts, state.since):
        return unready
    if not facts.done and facts.now - state.since > spec.ready_seconds:
        return _back(state, facts, f"could not begin in {spec.ready_seconds:g} s: {facts.problem or 'nobody says why'}")
    return _waiting(state, facts, facts.problem or facts.readiness.reason)


def _unready(spec: Spec, state: State, facts: Facts, since: float) -> State | None:
    """Back, when the candidate has not answered for too long, whoever is waited for meanwhile."""
    late = facts.now - since > spec.ready_seconds
    if facts.readiness.ready or not (facts.readiness.permanent or late):
        return None
    why = facts.readiness.reason or "it does not say why"
    when = "never becomes ready" if facts.readiness.permanent else f"was not ready for {spec.ready_seconds:g} s"
    return _back(state, facts, f"the candidate {when}: {why}")


def _shadow(spec: Spec, state: State, facts: Facts) -> State:
    shadow = spec.shadow or ShadowStep()
    return _unready(spec, state, facts, state.silent_since) or _judged(spec, state, facts, shadow, SHADOW)


def _progressing(spec: Spec, state: State, facts: Facts) -> State:
    step = spec.steps[state.step]
    if facts.readiness.permanent:
        return _back(state, facts, f"the candidate does not answer any more: {facts.readiness.reason}")
    if facts.evidence.opened is None:
        late = facts.now - state.since > spec.ready_seconds
        if late:
            why = facts.problem or facts.readiness.reason or "nobody says why"
            missing = "watched" if facts.done else "in force"
            return _back(state, facts, f"a weight of {step.weight} % was not {missing} in time: {why}")
        return _waiting(state, facts, f"waits for {step.weight} % to be in force")
    if state.since < facts.evidence.opened:
        state = state.model_copy(update={"since": facts.evidence.opened})
    return _unready(spec, state, facts, state.silent_since) or _judged(spec, state, facts, step, TRAFFIC)


def _judged(spec: Spec, state: State, facts: Facts, step: TrafficStep | ShadowStep, checks: Sequence[str]) -> State:
    """Ask the judge; go back, on, or stay."""
    passed = facts.now - state.since
    late = passed >= step.deadline_seconds
    found = judge(
        facts.evidence.observation(_class_labels(spec.model)),
        spec.limits,
        alpha=share(spec, state.phase),
        checks=checks,
        time_up=late,
    )
    state = _with(state, facts, found)
    if found.verdict is Verdict.FAIL:
        return _back(state, facts, found.reason)
    if not facts.readiness.ready:
        return _silent(spec, state, facts, late)
    if state.gate:
        return _gated(spec, state, facts)
    if found.verdict is Verdict.INCONCLUSIVE:
        return _undecided(spec, state, facts, found.reason, late)
    enough = facts.evidence.canary.requests >= (step.min_requests if isinstance(step, TrafficStep) else 0)
    if late and not enough:
        return _undecided(spec, state, facts, "too few requests for this step", late)
    if found.verdict is not Verdict.PASS or passed < step.hold_seconds or not enough or state.paused:
        return state
    if gate := _gate(spec, state, step):
        return state.model_copy(update={"gate": gate, "reason": f"{found.reason}; waits for approval of {gate}"})
    return _next(spec, state, facts, found.reason)


def _class_labels(model: str) -> tuple[str, ...]:
    """Names of the model's classes, for people; none for a model that the catalogue does not have."""
    return KINDS[model].output.labels if model in KINDS else ()


def _silent(spec: Spec, state: State, facts: Facts, late: bool) -> State:
    """A candidate that does not answer now goes nowhere, whatever it did before."""
    reason = f"the candidate does not answer: {facts.readiness.reason or 'it does not say why'}"
    return _undecided(spec, state, facts, reason, late) if late and not state.gate else _waiting(state, facts, reason)


def _with(state: State, facts: Facts, found: Judgement) -> State:
    """The state with what the judge says."""
    findings = tuple(finding.to_dict() for finding in found.findings)
    changes = {"verdict": str(found.verdict), "findings": findings, "evidence": facts.evidence.packed()}
    return state.model_copy(update={**changes, "reason": state.reason if state.gate else found.reason})


def _undecided(spec: Spec, state: State, facts: Facts, reason: str, late: bool) -> State:
    """What becomes of a window whose time is up without evidence, or that a past which does not grow leaves open."""
    why = f"{'time is up without evidence' if late else 'the past does not decide'}: {reason}"
    if spec.undecided is UndecidedPolicy.ROLL_BACK:
        return _back(state, facts, why)
    gate = _name(state, _here(spec, state))
    return state.model_copy(update={"gate": gate, "reason": f"{why}; a person approves {gate} or aborts"})


def _gate(spec: Spec, state: State, step: TrafficStep | ShadowStep) -> str:
    """What a person must approve before the rollout goes on; empty when nothing."""
    here = _here(spec, state)
    asked = step.approval or (here == PROMOTION and spec.promotion is PromotionPolicy.MANUAL)
    return _name(state, here) if asked else ""


def _here(spec: Spec, state: State) -> str:
    """What a person who approves it lets go by."""
    if state.phase is Phase.SHADOW:
        return "shadow"
    return PROMOTION if state.step == len(spec.steps) - 1 else str(state.weight)


def _name(state: State, what: str) -> str:
    """A gate of this attempt, so that an approval of the last one opens nothing."""
    return f"{state.attempt}/{what}"


def _gated(spec: Spec, state: State, facts: Facts) -> State:
    if facts.requests.approved != state.gate or state.paused:
        return state
    return _next(spec, state, facts, f"a person approved {state.gate}")


def _next(spec: Spec, state: State, facts: Facts, reason: str) -> State:
    """The shadow after the start, the first weight after the shadow, the next weight, at last the promotion."""
    if state.phase is Phase.STARTING and spec.shadow:
        return state.to(facts.now, Phase.SHADOW, reason)
    index = state.step + 1
    if index < len(spec.steps):
        weight = spec.steps[index].weight
        return state.to(facts.now, Phase.PROGRESSING, reason, step=index, weight=weight, evidence=_kept(facts, weight))
    return state.to(
        facts.now, Phase.PROMOTING, reason, weight=FULL_WEIGHT, stage=PromotionStage.SHIFT, verdict=state.verdict
    )


def _kept(facts: Facts, weight: int) -> str:
    """At 100 % the stable version has no requests, and may have no servers: the step before stands for it."""
    return Evidence(stable=facts.evidence.stable, pairs=facts.evidence.pairs).packed() if weight == FULL_WEIGHT else ""


def _promoting(spec: Spec, state: State, facts: Facts) -> State:
    stage = state.stage or PromotionStage.SHIFT
    if facts.done:
        return _promoted(state, facts, stage)
    late = facts.now - state.since > spec.promotion_seconds
    if not late or stage is PromotionStage.UNDO:
        return _waiting(state, facts, state.reason)
    reason = f"the promotion failed: {facts.problem or f'{stage} was not done in {spec.promotion_seconds:g} s'}"
    return _back(state, facts, reason) if stage is PromotionStage.SHIFT else _undone(state, facts, reason)


def _undone(state: State, facts: Facts, reason: str) -> State:
    """Put the alias back before the service."""
    return state.to(facts.now, Phase.PROMOTING, reason, stage=PromotionStage.UNDO)


def _promoted(state: State, facts: Facts, stage: PromotionStage) -> State:
    """The act of a stage is done."""
    if stage is PromotionStage.UNDO:
        return _back(state, facts, state.reason)
    if stage is PromotionStage.SERVICE:
        reason = f"version {state.candidate_version} is champion and serves every request"
        return state.to(facts.now, Phase.PROMOTED, reason, weight=FULL_WEIGHT, stage=None, verdict=state.verdict)
    following = PromotionStage.ALIAS if stage is PromotionStage.SHIFT else PromotionStage.SERVICE
    return state.model_copy(update={"stage": following})


def _rolling_back(spec: Spec, state: State, facts: Facts) -> State:
    if not facts.done:
        return _waiting(state, facts, state.reason)
    return state.to(facts.now, Phase.ROLLED_BACK, state.reason, verdict=state.verdict, findings=state.findings)


def _back(state: State, facts: Facts, reason: str) -> State:
    """Roll back, keeping what the judge had found."""
    kept = {"findings": state.findings, "verdict": state.verdict, "stage": None}
    return state.to(facts.now, Phase.ROLLING_BACK, reason, weight=0, **kept)


def _waiting(state: State, facts: Facts, reason: str) -> State:
    """The same state, with why it is."""
    return state.model_copy(update={"reason": reason or state.reason, "evidence": facts.evidence.packed()})


_STEPS: dict[Phase, Callable[[Spec, State, Facts], State]] = {
    Phase.PENDING: _pending,
    Phase.STARTING: _starting,
    Phase.SHADOW: _shadow,
    Phase.PROGRESSING: _progressing,
    Phase.PROMOTING: _promoting,
    Phase.ROLLING_BACK: _rolling_back,
}
