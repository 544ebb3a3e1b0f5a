"""A ModelRollout, as the Kubernetes API keeps it: `spec` is wanted, annotations are asked, `status` is the case."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rollout.kubernetes.client import Object
from rollout.spec import Spec
from rollout.state import Commands, Phase, State, StateError

FINALIZER = "rollout.matchday.io/roll-back"
"""Held while a rollout is under way: it is rolled back before it is deleted."""

PAUSED, ABORTED, APPROVED, RETRY = (
    f"rollout.matchday.io/{name}" for name in ("paused", "aborted", "approved", "retry")
)
"""Annotations by which people ask; the spec is never changed for that."""

VERDICTS = {"pass": "True", "fail": "False"}


@dataclass(frozen=True)
class StatusCondition:
    """One thing that holds, does not hold (`False`), or is `Unknown`, and why."""

    type: str
    status: str
    reason: str
    message: str = ""


def spec_of(thing: Object) -> Spec:
    """What is wanted. Raises SpecError."""
    return Spec.parse(thing.get("spec") or {})


def state_of(thing: Object) -> State:
    """Its saved state; a fresh one before the first round. Raises StateError."""
    status = thing.get("status") or {}
    try:
        return State.parse(status) if "phase" in status else State()
    except StateError as error:
        raise StateError(
            f"ModelRollout {thing['metadata']['name']}: {error}. Carry it to its end with the operator of the release "
            f"that began it, or give it up: take {FINALIZER} from its finalizers and delete it"
        ) from None


def under_way(state: State) -> bool:
    """Whether the candidate may be anywhere but in the registry."""
    return state.phase is not Phase.PENDING and not state.ended


def requests_of(thing: Object) -> Commands:
    """What people ask. Who deletes a rollout asks that it be aborted first."""
    notes = thing["metadata"].get("annotations") or {}
    retry = notes.get(RETRY, "")
    return Commands(
        paused=notes.get(PAUSED) == "true",
        aborted=notes.get(ABORTED) == "true" or deleted(thing),
        approved=notes.get(APPROVED, ""),
        retry=int(retry) if retry.isdigit() else 1,
    )


def annotations_of(requests: Commands) -> dict[str, str | None]:
    """The annotations that ask that; None takes one away."""
    return {
        PAUSED: "true" if requests.paused else None,
        ABORTED: "true" if requests.aborted else None,
        APPROVED: requests.approved or None,
        RETRY: str(requests.retry) if requests.retry > 1 else None,
    }


def asked(thing: Object) -> Any:
    """All of it that people change; it differs when they have."""
    meta = thing["metadata"]
    return meta.get("generation"), dict(meta.get("annotations") or {}), deleted(thing)


def deleted(thing: Object) -> bool:
    """Whether it is on its way out."""
    return "deletionTimestamp" in thing["metadata"]


def status_of(state: State, before: Object, others: Iterable[StatusCondition] = ()) -> dict[str, Any]:
    """The status to write. before: the object as it is. others: conditions beside those of the state itself."""
    known = {each["type"]: each for each in (before.get("status") or {}).get("conditions", [])}
    generation = before["metadata"].get("generation", 0)
    conditions = [_written(each, known.get(each.type, {}), generation) for each in [*conditions_of(state), *others]]
    return {**state.to_dict(), "observedGeneration": generation, "conditions": conditions}


def conditions_of(state: State) -> list[StatusCondition]:
    """What tools wait for: `Progressing`, `Passed` (the judge's word), `Waiting` for a person, `Complete`."""
    running = under_way(state) and not state.paused
    complete = {Phase.PROMOTED: "True", Phase.ROLLED_BACK: "False", Phase.REFUSED: "False"}.get(state.phase, "Unknown")
    verdict = state.verdict or "none"
    return [
        StatusCondition("Progressing", str(running), str(state.phase), state.reason),
        StatusCondition("Passed", VERDICTS.get(verdict, "Unknown"), verdict.capitalize(), state.reason),
        StatusCondition("Waiting", str(bool(state.gate)), "Approval" if state.gate else "Nothing", state.gate),
        StatusCondition("Complete", complete, str(state.phase), state.reason if state.ended else ""),
    ]


def _written(condition: StatusCondition, before: Mapping[str, Any], generation: int) -> dict[str, Any]:
    """As Kubernetes writes conditions: the time is that of the last change of `status`."""
    same = before.get("status") == condition.status
    return {
        "type": condition.type,
        "status": condition.status,
        "reason": condition.reason,
        "message": condition.message[:1024],
        "observedGeneration": generation,
        "lastTransitionTime": before["lastTransitionTime"] if same else f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
    }
