"""ModelRollout as a Kubernetes object: specification in `spec`, commands in annotations, state in `status`."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from rollout.gates import BAKE
from rollout.kubernetes.annotations import is_deleted
from rollout.kubernetes.client import Object
from rollout.kubernetes.conditions import StatusCondition, conditions_of
from rollout.spec import Spec
from rollout.state import Phase, State, StateError

FINALIZER = "rollout.matchday.io/roll-back"
"""What earlier releases held while a rollout was active. Nothing sets it any more, and the operator removes it."""
EVIDENCE_KEY = "evidenceKey"
"""Field of the status: key of the evidence in its ConfigMap; absent in a status of an earlier release."""
MOST_CHARACTERS = 900
"""Of a text in the status: `kubectl describe` prints each in one line."""


def service_of(thing: Object) -> str:
    """The InferenceService that it names; empty where it names none."""
    return str((thing.get("spec") or {}).get("inferenceService") or "")


def spec_of(thing: Object) -> Spec:
    """Its specification, without keys that only a newer definition knows. Raises SpecError."""
    spec, _ = Spec.read(thing.get("spec") or {})
    return spec


def state_of(thing: Object) -> State:
    """Its saved state without its evidence; an initial one before the first round. Raises StateError.

    Earlier releases kept the evidence in the status; that is read with it.
    """
    status = thing.get("status") or {}
    try:
        return State.parse(status) if "phase" in status else State()
    except StateError as error:
        raise StateError(
            f"ModelRollout {thing['metadata']['name']}: {error}. Carry it to its end with the operator of the release "
            f"that began it, or give it up: delete it"
        ) from None


def user_changes(thing: Object) -> Any:
    """Everything that people change, to compare with an earlier value."""
    meta = thing["metadata"]
    return meta.get("generation"), dict(meta.get("annotations") or {}), is_deleted(thing)


def status_of(
    state: State, before: Object, more: Iterable[StatusCondition] = (), evidence_key: str = ""
) -> dict[str, Any]:
    """The status to write. before: the object as it is. more: conditions beside those of the state."""
    known = {each["type"]: each for each in (before.get("status") or {}).get("conditions", [])}
    generation = before["metadata"].get("generation", 0)
    conditions = [
        _condition_to_json(each, known.get(each.type, {}), generation)
        for each in [*conditions_of(state, before), *more]
    ]
    saved = {name: value for name, value in state.to_dict().items() if name != "evidence"}
    extra = {EVIDENCE_KEY: evidence_key, "progress": _progress(state, before), "observedGeneration": generation}
    return {**_clip(saved), **extra, "conditions": conditions}


def _progress(state: State, thing: Object) -> str:
    """The step for people: `shadow`, `1/3` or `bake`; empty before the first, and in a promotion."""
    if state.phase in (Phase.SHADOW, Phase.BAKING):
        return "shadow" if state.phase is Phase.SHADOW else BAKE
    steps = (thing.get("spec") or {}).get("steps") or Spec.model_fields["steps"].default
    return f"{state.step + 1}/{len(steps)}" if state.phase is Phase.PROGRESSING else ""


def _clip(value: Any) -> Any:
    """The same with long texts cut off."""
    if isinstance(value, dict):
        return {name: _clip(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_clip(each) for each in value]
    return clip(value) if isinstance(value, str) else value


def clip(text: str) -> str:
    """A text, cut off where it is too long."""
    return text if len(text) <= MOST_CHARACTERS else f"{text[: MOST_CHARACTERS - 1]}…"


def _condition_to_json(condition: StatusCondition, before: Mapping[str, Any], generation: int) -> dict[str, Any]:
    """As Kubernetes writes conditions: the time is that of the last change of `status`."""
    unchanged = before.get("status") == condition.status
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return {
        "type": condition.type,
        "status": condition.status,
        "reason": condition.reason,
        "message": clip(condition.message),
        "observedGeneration": generation,
        "lastTransitionTime": before["lastTransitionTime"] if unchanged else now,
    }
