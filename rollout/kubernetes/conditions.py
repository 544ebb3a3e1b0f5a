"""Conditions of a ModelRollout, for tools: those of kstatus, and Matchday's own."""

from collections.abc import Iterator
from dataclasses import dataclass

from rollout.kubernetes.annotations import find_misunderstood
from rollout.kubernetes.client import Object
from rollout.spec import Spec, SpecError
from rollout.state import Phase, State

PASSED = {"pass": "True", "fail": "False"}
COMPLETE = {Phase.PROMOTED: "True", Phase.ROLLED_BACK: "False", Phase.REFUSED: "False"}
SPEC_UNDERSTOOD, COMMANDS_UNDERSTOOD = "SpecUnderstood", "CommandsUnderstood"
UNREADABLE = "Unreadable"
"""Reason of `SpecUnderstood` where the specification cannot be carried out as it is."""


@dataclass(frozen=True)
class StatusCondition:
    """A condition of the status. status: `True`, `False` or `Unknown`."""

    type: str
    status: str
    reason: str
    message: str = ""


def conditions_of(state: State, thing: Object) -> list[StatusCondition]:
    """All conditions of a ModelRollout, without those of its splitter. thing: its specification and annotations."""
    spec = _spec_understood(thing)
    held = state.active and spec.reason == UNREADABLE
    return [*_progress(state), *_kstatus(state, spec.message if held else ""), spec, _commands_understood(thing, state)]


def _progress(state: State) -> Iterator[StatusCondition]:
    """`Progressing`, `Passed` (the verdict), `Waiting` for approval, `Complete`: known once the bake is over."""
    verdict = state.verdict or "none"
    complete = COMPLETE.get(state.phase, "Unknown")
    yield StatusCondition("Progressing", str(state.active and not state.paused), str(state.phase), state.reason)
    yield StatusCondition("Passed", PASSED.get(verdict, "Unknown"), verdict.capitalize(), state.reason)
    yield StatusCondition("Waiting", str(bool(state.gate)), "Approval" if state.gate else "Nothing", state.gate)
    yield StatusCondition("Complete", complete, str(state.phase), state.reason if state.ended else "")


def _kstatus(state: State, held: str) -> Iterator[StatusCondition]:
    """`Ready`, `Reconciling` and `Stalled` as kstatus reads them, and `Failed` to wait for.

    held: why nothing is done although the rollout is under way. kstatus: the resource is current when it is ready,
    failed when it is stalled, in progress while it is reconciled; a rollout that waits for a person is in progress. A
    promoted version serves every request, so it is ready while its bake only watches.
    """
    phase, failed = str(state.phase), state.phase in (Phase.ROLLED_BACK, Phase.REFUSED)
    late = state.problem or state.reason if state.stalled else ""
    stalled = held or late or (state.reason if failed else "")
    promoted = state.phase in (Phase.PROMOTED, Phase.BAKING)
    reconciling = not (state.ended or promoted or stalled)
    stage = "Paused" if state.paused else "AwaitsApproval" if state.gate else phase
    yield StatusCondition("Ready", str(promoted and not stalled), phase, state.reason)
    yield StatusCondition("Reconciling", str(reconciling), stage, state.reason if reconciling else "")
    yield StatusCondition("Stalled", str(bool(stalled)), "SpecUnreadable" if held else phase, stalled)
    yield StatusCondition("Failed", str(failed), phase, state.reason if failed else "")


def _spec_understood(thing: Object) -> StatusCondition:
    """Whether every key of the specification is known here; the API has refused what its definition does not know."""
    try:
        _, ignored = Spec.read(thing.get("spec") or {})
    except SpecError as error:
        return StatusCondition(SPEC_UNDERSTOOD, "False", UNREADABLE, str(error))
    if not ignored:
        return StatusCondition(SPEC_UNDERSTOOD, "True", "AllKeysKnown")
    names = ", ".join(ignored)
    message = f"ignored, as this operator is older than the definition: {names}. Upgrade the operator, or remove them"
    return StatusCondition(SPEC_UNDERSTOOD, "False", "UnknownKeys", message)


def _commands_understood(thing: Object, state: State) -> StatusCondition:
    """Whether every annotation of ours commands something, and what to write instead where one does not."""
    wrong = find_misunderstood(thing, state)
    if wrong:
        return StatusCondition(COMMANDS_UNDERSTOOD, "False", "NotUnderstood", "; ".join(wrong))
    return StatusCondition(COMMANDS_UNDERSTOOD, "True", "AllKnown")
