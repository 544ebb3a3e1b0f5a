"""State store of a rollout: the status of its ModelRollout, and its evidence beside it."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from rollout.kubernetes.annotations import commands_of
from rollout.kubernetes.api import Api
from rollout.kubernetes.client import Object
from rollout.kubernetes.conditions import COMMANDS_UNDERSTOOD, SPEC_UNDERSTOOD, StatusCondition
from rollout.kubernetes.evidence_store import EvidenceStore, evidence_key
from rollout.kubernetes.kinds import MODEL_ROLLOUT
from rollout.kubernetes.model_rollout import EVIDENCE_KEY, FINALIZER, service_of, state_of, status_of
from rollout.state import Commands, Phase, State

SAVE_SECONDS = 30.0
"""Longest time between two saves of a rollout that only waits.

Nothing is lost by that. How long a step has taken is the time since its start, which is saved; the time of the last
round is kept only to notice a clock that jumps, and this is less than `MOST_ROUND_SECONDS`. Requests are counted from
the counters as they were at the last save, so the next round, or the next operator, counts those again. What is lost is
at most this many seconds of the requests to a pod that ends meanwhile.
"""

COUNTING = frozenset({Phase.PROGRESSING, Phase.BAKING})
"""Phases in which users' requests are counted."""


class ClusterStore:
    """The state of one ModelRollout. Saving fails with Conflict when somebody else wrote since the last load.

    more_conditions: conditions to write beside those of the state.
    """

    def __init__(self, api: Api, name: str, more_conditions: Callable[[], Iterable[StatusCondition]] = tuple) -> None:
        self._api = api
        self._name = name
        self._more_conditions = more_conditions
        self.thing: Object = {}

    def load(self) -> State:
        """The state as last saved, with its evidence. Raises StateError for one that this release cannot read."""
        self.thing = self._api.get(MODEL_ROLLOUT, self._name)
        state, key = state_of(self.thing), self._saved_key()
        return state.model_copy(update={"evidence": self._evidence.read(key)}) if key else state

    def save(self, state: State) -> None:
        """Save a state. One in which nothing was decided since the last load is saved seldom, see SAVE_SECONDS."""
        before, key = self.thing.get("status") or {}, evidence_key(state.evidence)
        status = status_of(state, self.thing, self._more_conditions(), key)
        passed = state.tick - before.get("tick", 0.0)
        waits = state.ended or 0 <= passed < SAVE_SECONDS
        if before and waits and _decided(status, before) == _decided(before, status):
            return
        self._evidence.write(state.evidence, self._saved_key(), self.thing)
        self.thing = self._api.replace(MODEL_ROLLOUT, {**self.thing, "status": status}, "status")
        if key and not self._saved_key():  # a definition of an earlier release, which drops what it does not know
            whole = {**status, "evidence": state.evidence}
            self.thing = self._api.replace(MODEL_ROLLOUT, {**self.thing, "status": whole}, "status")

    def commands(self) -> Commands:
        """The commands given by people, as of the last load."""
        return commands_of(self.thing)

    def rival(self) -> str:
        """Name of another active rollout of the same service; empty when there is none."""
        service = service_of(self.thing)
        for other in self._api.list(MODEL_ROLLOUT):
            if service_of(other) == service and other["metadata"]["name"] != self._name and state_of(other).active:
                return str(other["metadata"]["name"])
        return ""

    @property
    def _evidence(self) -> EvidenceStore:
        return EvidenceStore(self._api, service_of(self.thing))

    def _saved_key(self) -> str:
        return str((self.thing.get("status") or {}).get(EVIDENCE_KEY) or "")


def _decided(status: Mapping[str, Any], other: Mapping[str, Any]) -> Any:
    """What a status says that must be saved at once. other: the one to compare it with.

    While requests are counted, evidence and findings change with every round, and reasons with the findings.
    """
    counting = status["phase"] == other["phase"] and status["phase"] in COUNTING and bool(status.get("opened"))
    left_out = {"tick", "history", "conditions"}
    if counting:
        left_out |= {"findings", "needs", EVIDENCE_KEY}
        left_out |= set() if status.get("gate") else {"reason"}
    if status.get("paused") and other.get("paused"):
        left_out |= {"since"}
    fields = {name: value for name, value in status.items() if name not in left_out and value is not None}
    decisions = [(each["time"], each["phase"]) for each in status.get("history", [])]
    return fields, decisions, [_told(each) for each in status.get("conditions", [])]


def _told(condition: Mapping[str, Any]) -> tuple[str, ...]:
    message = condition["message"] if condition["type"] in (SPEC_UNDERSTOOD, COMMANDS_UNDERSTOOD) else ""
    return condition["type"], condition["status"], condition["reason"], message


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
