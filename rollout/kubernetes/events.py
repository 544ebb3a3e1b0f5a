"""Kubernetes Events about ModelRollouts: a line for every decision."""

from datetime import UTC, datetime

from rollout.kubernetes.api import Api
from rollout.kubernetes.client import ApiError, Object
from rollout.kubernetes.kinds import EVENT, MODEL_ROLLOUT
from rollout.state import HistoryEntry, Phase
from rollout.store import Conflict

COMPONENT = "matchday-rollout"
LONGEST = 1000
"""Characters of a message; the API takes 1024."""
WARNINGS = frozenset({Phase.ROLLING_BACK, Phase.ROLLED_BACK, Phase.REFUSED})


class Events:
    """Told and forgotten: one that the API does not take is lost, the history in the status is not."""

    def __init__(self, api: Api, holder: str) -> None:
        """holder: which process tells."""
        self._api = api
        self._holder = holder

    def decision(self, thing: Object, entry: HistoryEntry) -> None:
        """Of a history."""
        where = f"{entry.weight} %: " if entry.phase is Phase.PROGRESSING else ""
        self.tell(thing, str(entry.phase), where + entry.reason, warning=entry.phase in WARNINGS)

    def tell(self, thing: Object, reason: str, message: str, warning: bool = False) -> None:
        """reason: one word in CamelCase."""
        meta = thing["metadata"]
        now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
        about = {"apiVersion": MODEL_ROLLOUT.version, "kind": MODEL_ROLLOUT.name, "namespace": self._api.namespace}
        event = {
            "metadata": {"generateName": f"{meta['name']}."},
            "involvedObject": {**about, "name": meta["name"], "uid": meta.get("uid", "")},
            "type": "Warning" if warning else "Normal",
            "reason": reason,
            "message": message[:LONGEST],
            "source": {"component": COMPONENT},
            "reportingComponent": COMPONENT,
            "reportingInstance": self._holder,
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
