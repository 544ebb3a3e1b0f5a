"""A `matchday` command as a Job, in a pod like one of the release's own: its image, environment, policies."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.cluster.kube import Kube
from tests.cluster.shell import Failure

OF_SERVERS = ("livenessProbe", "readinessProbe", "startupProbe", "lifecycle", "ports")
RESOURCES = {"requests": {"cpu": "50m", "memory": "256Mi"}, "limits": {"cpu": "2", "memory": "3Gi"}}


@dataclass(frozen=True)
class Command:
    """A Job that was begun."""

    kube: Kube
    name: str

    def ended(self) -> str:
        """`Complete` or `Failed`; empty while it runs."""
        conditions = self.kube.get("job", self.name).get("status", {}).get("conditions", [])
        true = {each["type"] for each in conditions if each["status"] == "True"}
        return next((name for name in ("Complete", "Failed") if name in true), "")

    def complete(self, seconds: float) -> list[str]:
        """The lines that it printed, once it has ended well. Raises Failure with the last ones where it has not."""
        self.kube.until(f"the end of {self.name}", self.ended, seconds)
        lines = self.kube("logs", f"job/{self.name}").strip().splitlines()
        if self.ended() != "Complete":
            raise Failure(f"{self.name} failed: {' | '.join(lines[-6:])}")
        return lines


def begin(kube: Kube, like: tuple[str, str], name: str, *arguments: str) -> Command:
    """Begin a command, once. like: kind and name of what has such pods."""
    kube("delete", "job", name, "--ignore-not-found", "--wait")
    kube.apply(job(kube.get(*like)["spec"]["template"], name, arguments))
    return Command(kube, name)


def job(template: Mapping[str, Any], name: str, arguments: Sequence[str]) -> dict[str, Any]:
    """The Job, with a pod of that template: the labels that policies select, and none that its owner selects."""
    [container] = template["spec"]["containers"]
    kept = {key: value for key, value in container.items() if key not in OF_SERVERS}
    kept |= {"name": "matchday", "args": list(arguments), "resources": RESOURCES}
    spec = {key: value for key, value in template["spec"].items() if key != "initContainers"}
    spec |= {"restartPolicy": "Never", "containers": [kept]}
    labels = {key: text for key, text in template["metadata"]["labels"].items() if key.startswith("app.")}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "labels": labels},
        "spec": {"backoffLimit": 0, "template": {"metadata": {"labels": labels}, "spec": spec}},
    }
