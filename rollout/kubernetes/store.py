"""State store of a rollout in the status of its ModelRollout."""

from collections.abc import Callable, Iterable

from rollout.kubernetes.api import Api
from rollout.kubernetes.client import Object
from rollout.kubernetes.kinds import MODEL_ROLLOUT
from rollout.kubernetes.model_rollout import (
    FINALIZER,
    StatusCondition,
    commands_of,
    state_of,
    status_of,
)
from rollout.state import Commands, State


class ClusterStore:
    """The state of one ModelRollout. Saving fails with Conflict when somebody else wrote since the last load.

    more_conditions: conditions to write beside those of the state.
    """

    def __init__(self, api: Api, name: str, more_conditions: Callable[[], Iterable[StatusCondition]] = tuple) -> None:
        self._api = api
        self._name = name
        self._more_conditions = more_conditions
        self._thing: Object = {}

    def load(self) -> State:
        """The state as last saved. Raises StateError for one that this release cannot read."""
        self._thing = self._api.get(MODEL_ROLLOUT, self._name)
        return state_of(self._thing)

    def save(self, state: State) -> None:
        """Save a state."""
        status = status_of(state, self._thing, self._more_conditions())
        self._thing = self._api.replace(MODEL_ROLLOUT, {**self._thing, "status": status}, "status")

    def commands(self) -> Commands:
        """The commands given by people, as of the last load."""
        return commands_of(self._thing)

    def rival(self) -> str:
        """Name of another active rollout of the same service; empty when there is none."""
        service = self._thing["spec"]["inferenceService"]
        for other in self._api.list(MODEL_ROLLOUT):
            same_service = other["spec"]["inferenceService"] == service and other["metadata"]["name"] != self._name
            if same_service and state_of(other).active:
                return str(other["metadata"]["name"])
        return ""


def remove_finalizer(api: Api, thing: Object) -> bool:
    """Remove the finalizer of an earlier release from a ModelRollout. Returns whether it had one."""
    meta = thing["metadata"]
    present = meta.get("finalizers") or []
    if FINALIZER not in present:
        return False
    kept = [each for each in present if each != FINALIZER]
    api.merge(
        MODEL_ROLLOUT, meta["name"], {"metadata": {"resourceVersion": meta["resourceVersion"], "finalizers": kept}}
    )
    return True
