"""Kubernetes Events about ModelRollouts, one for each decision."""

from datetime import UTC, datetime

from rollout.kubernetes.api import Api
from rollout.kubernetes.client import ApiError, Object
from rollout.kubernetes.conditions import COMMANDS_UNDERSTOOD, SPEC_UNDERSTOOD
from rollout.kubernetes.kinds import EVENT, MODEL_ROLLOUT
from rollout.state import HistoryEntry, Phase, State
from rollout.store import Conflict

COMPONENT = "matchday-rollout"
MOST_CHARACTERS = 1000
"""Of a message; the API takes 1024."""
MISUNDERSTOOD = {SPEC_UNDERSTOOD: "SpecNotUnderstood", COMMANDS_UNDERSTOOD: "CommandNotUnderstood"}
"""Reasons of events by the condition that is False."""
WARNINGS = frozenset({Phase.ROLLING_BACK, Phase.ROLLED_BACK, Phase.REFUSED})


class Events:
    """Sends events and does not retry: one that the API refuses is lost, the history in the status is not."""

    def __init__(self, api: Api, reporter: str) -> None:
        """reporter: name of this process."""
        self._api = api
        self._reporter = reporter

    def send_decision(self, thing: Object, entry: HistoryEntry) -> None:
        """Send an entry of the history of a ModelRollout."""
        weight = f"{entry.weight} %: " if entry.phase is Phase.PROGRESSING else ""
        self.send(thing, str(entry.phase), weight + entry.reason, warning=entry.phase in WARNINGS)

    def send_changes(self, thing: Object, before: State, state: State) -> None:
        """Send what a round has changed beside its decisions."""
        if state.gate and state.gate != before.gate:
            self.send(thing, "AwaitsApproval", f"a person must approve {state.gate}")
        if state.paused != before.paused:
            self.send(thing, "Paused" if state.paused else "Resumed", state.reason)
        if state.stalled and not before.stalled:
            self.send(thing, "Stalled", state.problem or state.reason, warning=True)

    def send_misunderstood(self, before: Object, thing: Object) -> None:
        """Send what is not understood of a ModelRollout, and was understood, or wrong in another way, before."""
        known = {each["type"]: each["message"] for each in _conditions(before)}
        for each in _conditions(thing):
            if (
                each["type"] in MISUNDERSTOOD
                and each["status"] == "False"
                and known.get(each["type"]) != each["message"]
            ):
                self.send(thing, MISUNDERSTOOD[each["type"]], each["message"], warning=True)

    def send(self, thing: Object, reason: str, message: str, warning: bool = False) -> None:
        """Send an event about a ModelRollout. reason: one word in CamelCase."""
        meta = thing["metadata"]
        now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
        about = {"apiVersion": MODEL_ROLLOUT.version, "kind": MODEL_ROLLOUT.name, "namespace": self._api.namespace}
        event = {
            "metadata": {"generateName": f"{meta['name']}."},
            "involvedObject": {**about, "name": meta["name"], "uid": meta.get("uid", "")},
            "type": "Warning" if warning else "Normal",
            "reason": reason,
            "message": message[:MOST_CHARACTERS],
            "source": {"component": COMPONENT},
            "reportingComponent": COMPONENT,
            "reportingInstance": self._reporter,
            "action": reason,
            "eventTime": now,
            "firstTimestamp": f"{now[:19]}Z",
            "lastTimestamp": f"{now[:19]}Z",
            "count": 1,
        }
        try:
            self._api.create(EVENT, event)
        except (ApiError, Conflict):
            return


def _conditions(thing: Object) -> list[Object]:
    return list((thing.get("status") or {}).get("conditions") or [])
