"""ModelRollout as a Kubernetes object: specification in `spec`, commands in annotations, state in `status`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rollout.kubernetes.client import Object
from rollout.spec import Spec
from rollout.state import Commands, Phase, State, StateError

FINALIZER = "rollout.matchday.io/roll-back"
"""What earlier releases held while a rollout was active. Nothing sets it any more, and the operator removes it."""

PAUSED, ABORTED, APPROVED, RETRY = (
    f"rollout.matchday.io/{name}" for name in ("paused", "aborted", "approved", "retry")
)
"""Annotations for commands; the specification is never changed for that."""

PASSED = {"pass": "True", "fail": "False"}
COMPLETE = {Phase.PROMOTED: "True", Phase.ROLLED_BACK: "False", Phase.REFUSED: "False"}
MOST_CHARACTERS = 1024
"""Of a condition's message."""


@dataclass(frozen=True)
class StatusCondition:
    """A condition of the status. status: `True`, `False` or `Unknown`."""

    type: str
    status: str
    reason: str
    message: str = ""


def spec_of(thing: Object) -> Spec:
    """Its specification. Raises SpecError."""
    return Spec.parse(thing.get("spec") or {})


def state_of(thing: Object) -> State:
    """Its saved state; an initial one before the first round. Raises StateError."""
    status = thing.get("status") or {}
    try:
        return State.parse(status) if "phase" in status else State()
    except StateError as error:
        raise StateError(
            f"ModelRollout {thing['metadata']['name']}: {error}. Carry it to its end with the operator of the release "
            f"that began it, or give it up: delete it"
        ) from None


def commands_of(thing: Object) -> Commands:
    """Its commands. Deleting it aborts it first."""
    annotations = thing["metadata"].get("annotations") or {}
    retry = annotations.get(RETRY, "")
    return Commands(
        paused=annotations.get(PAUSED) == "true",
        aborted=annotations.get(ABORTED) == "true" or is_deleted(thing),
        approved=annotations.get(APPROVED, ""),
        retry=int(retry) if retry.isdigit() else 1,
    )


def annotations_of(commands: Commands) -> dict[str, str | None]:
    """The annotations for these commands; None removes one."""
    return {
        PAUSED: "true" if commands.paused else None,
        ABORTED: "true" if commands.aborted else None,
        APPROVED: commands.approved or None,
        RETRY: str(commands.retry) if commands.retry > 1 else None,
    }


def user_changes(thing: Object) -> Any:
    """Everything that people change, to compare with an earlier value."""
    meta = thing["metadata"]
    return meta.get("generation"), dict(meta.get("annotations") or {}), is_deleted(thing)


def is_deleted(thing: Object) -> bool:
    """Whether it is to be deleted once its finalizers are gone."""
    return "deletionTimestamp" in thing["metadata"]


def status_of(state: State, before: Object, more: Iterable[StatusCondition] = ()) -> dict[str, Any]:
    """The status to write. before: the object as it is. more: conditions beside those of the state."""
    known = {each["type"]: each for each in (before.get("status") or {}).get("conditions", [])}
    generation = before["metadata"].get("generation", 0)
    conditions = [
        _condition_to_json(each, known.get(each.type, {}), generation) for each in [*conditions_of(state), *more]
    ]
    return {**state.to_dict(), "observedGeneration": generation, "conditions": conditions}


def conditions_of(state: State) -> list[StatusCondition]:
    """Conditions for tools: `Progressing`, `Passed` (the verdict), `Waiting` for approval, `Complete`."""
    progressing = state.active and not state.paused
    verdict = state.verdict or "none"
    complete = COMPLETE.get(state.phase, "Unknown")
    return [
        StatusCondition("Progressing", str(progressing), str(state.phase), state.reason),
        StatusCondition("Passed", PASSED.get(verdict, "Unknown"), verdict.capitalize(), state.reason),
        StatusCondition("Waiting", str(bool(state.gate)), "Approval" if state.gate else "Nothing", state.gate),
        StatusCondition("Complete", complete, str(state.phase), state.reason if state.ended else ""),
    ]


def _condition_to_json(condition: StatusCondition, before: Mapping[str, Any], generation: int) -> dict[str, Any]:
    """As Kubernetes writes conditions: the time is that of the last change of `status`."""
    unchanged = before.get("status") == condition.status
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return {
        "type": condition.type,
        "status": condition.status,
        "reason": condition.reason,
        "message": condition.message[:MOST_CHARACTERS],
        "observedGeneration": generation,
        "lastTransitionTime": before["lastTransitionTime"] if unchanged else now,
    }
