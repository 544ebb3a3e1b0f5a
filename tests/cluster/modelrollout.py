"""A ModelRollout in the test's namespace: begun, annotated, waited for."""

import time
from collections.abc import Callable
from typing import Any

from tests.cluster.forecasts import MODEL
from tests.cluster.kube import Kube
from tests.cluster.shell import Failure

DEFINITION = "modelrollouts.matchday.io"
SPEC = {
    "inferenceService": MODEL,
    "promotion": "Automatic",
    "undecided": "RollBack",
    "cooldownSeconds": 0,
    "bakeSeconds": 0,
}
STRICT = {"errors": 0.02, "latency": 4}
"""The judge's limits, but for what a small machine with other work on it cannot keep."""

WIDE = {**STRICT, "distance": 0.25, "shift": 0.1, "favourites": 0.2, "spread": 1}
"""For the goals model alone, which differs more than a new training would."""

Status = dict[str, Any]


def step(weight: int, **changes: Any) -> dict[str, Any]:
    """A step at a weight in percent."""
    return {"weight": weight, "holdSeconds": 5, "minRequests": 100, "deadlineSeconds": 300, **changes}


class ModelRollout:
    """One, by its name."""

    def __init__(self, kube: Kube, name: str) -> None:
        self.kube = kube
        self.name = name

    def begin(self, version: str, **spec: Any) -> None:
        """Create it for a candidate."""
        thing = {"apiVersion": "matchday.io/v1alpha1", "kind": "ModelRollout", "metadata": {"name": self.name}}
        self.kube.apply({**thing, "spec": {**SPEC, "limits": WIDE, "candidate": version, **spec}})

    def annotate(self, key: str, value: str) -> None:
        """Ask something of it while it runs."""
        self.kube("annotate", "--overwrite", "modelrollout", self.name, f"rollout.matchday.io/{key}={value}")

    def status(self) -> Status:
        """What the operator has written."""
        return dict(self.kube.get("modelrollout", self.name).get("status") or {})

    def until(self, what: str, wanted: Callable[[Status], object], seconds: float = 600) -> Status:
        """Wait for a status. Raises Failure with what it says where it ends otherwise."""
        deadline = time.monotonic() + seconds
        while not wanted(status := self.status()):
            late = time.monotonic() > deadline
            if late or status.get("phase") in ("Refused", "RolledBack", "Promoted"):
                where = f"{status.get('phase')} at {status.get('weight')} %, {status.get('reason')}"
                raise Failure(f"{self.name} never {what}: {where}")
            time.sleep(2)
        return status

    def until_phase(self, phase: str) -> Status:
        """Wait for its end."""
        return self.until(f"is {phase}", lambda status: status.get("phase") == phase)

    def story(self) -> list[str]:
        """What `kubectl` shows people of it."""
        listed = self.kube("get", "modelrollouts", self.name).strip().splitlines()
        events = self.kube(
            "get",
            "events",
            f"--field-selector=involvedObject.name={self.name}",
            "--sort-by=.metadata.creationTimestamp",
            "--output=custom-columns=TYPE:.type,REASON:.reason,MESSAGE:.message",
            "--no-headers",
        )
        return [*listed, *(line.strip() for line in events.strip().splitlines())]
