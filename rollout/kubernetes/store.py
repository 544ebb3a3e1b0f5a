"""The state of a rollout in the status of its ModelRollout."""

from collections.abc import Callable, Iterable

from rollout.kubernetes.api import Api
from rollout.kubernetes.client import Object
from rollout.kubernetes.kinds import MODEL_ROLLOUT
from rollout.kubernetes.model_rollout import (
    FINALIZER,
    StatusCondition,
    requests_of,
    state_of,
    status_of,
    under_way,
)
from rollout.state import Commands, State


class ClusterStore:
    """One ModelRollout. What is saved is the successor of what was loaded, or Conflict is raised.

    others: conditions to write beside those of the state.
    """

    def __init__(self, api: Api, name: str, others: Callable[[], Iterable[StatusCondition]] = tuple) -> None:
        self._api = api
        self._name = name
        self._others = others
        self._thing: Object = {}

    def load(self) -> State:
        """The state as last saved; a fresh one at first."""
        self._thing = self._api.get(MODEL_ROLLOUT, self._name)
        return state_of(self._thing)

    def save(self, state: State) -> None:
        """Keep a state. While the rollout is under way it also holds the finalizer."""
        self._hold(under_way(state))
        status = status_of(state, self._thing, self._others())
        self._thing = self._api.replace(MODEL_ROLLOUT, {**self._thing, "status": status}, "status")

    def requests(self) -> Commands:
        """What people ask, as of the last load."""
        return requests_of(self._thing)

    def rival(self) -> str:
        """Another rollout of the same service that has begun and not ended."""
        service = self._thing["spec"]["inferenceService"]
        for other in self._api.list(MODEL_ROLLOUT):
            same = other["spec"]["inferenceService"] == service and other["metadata"]["name"] != self._name
            if same and under_way(state_of(other)):
                return str(other["metadata"]["name"])
        return ""

    def let_go(self) -> None:
        """Take the finalizer away, so that what was deleted may go."""
        self._hold(False)

    def _hold(self, wanted: bool) -> None:
        meta = self._thing["metadata"]
        held = meta.get("finalizers") or []
        if (FINALIZER in held) == wanted:
            return
        kept = [each for each in held if each != FINALIZER] + ([FINALIZER] if wanted else [])
        change = {"metadata": {"resourceVersion": meta["resourceVersion"], "finalizers": kept}}
        self._thing = self._api.merge(MODEL_ROLLOUT, self._name, change)
