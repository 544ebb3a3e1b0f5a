"""The cluster that `KUBECONFIG` names, by kubectl."""

import base64
import json
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.cluster.shell import Failure, need, run
from tests.services.processes import end, free_port, listens

PREFIX = "matchday-test-"
LABEL = "matchday.io/test"
"""Of the test's own namespaces."""

AWAY = ("Unable to connect to the server", "The connection to the server", "Kubernetes cluster unreachable")
"""What kubectl and Helm say when the API server took no connection, so that nothing was asked of it."""
AWAY_SECONDS = 180.0


class Kube:
    """One namespace."""

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        self.kubectl = need("kubectl")

    def __call__(self, *arguments: str, seconds: float = 120, given: str | None = None) -> str:
        """kubectl in this namespace."""
        return ask_again(
            lambda: run(self.kubectl, "--namespace", self.namespace, *arguments, seconds=seconds, given=given)
        )

    def server(self) -> str:
        """URL of the API server."""
        return self("config", "view", "--minify", "--output", "jsonpath={.clusters[0].cluster.server}")

    def clear_earlier(self) -> list[str]:
        """Delete namespaces that earlier runs of this test have left, and return their names."""
        found = self.get("namespaces", "--selector", f"{LABEL}=cluster")["items"]
        names = [each["metadata"]["name"] for each in found]
        if names:
            self("delete", "namespaces", *names, "--timeout", "300s", seconds=320)
        return names

    def create(self) -> None:
        """The namespace, with PodSecurity `restricted`."""
        labels = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn")}
        meta = {"name": self.namespace, "labels": {**labels, LABEL: "cluster"}}
        self.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": meta})

    def apply(self, *objects: dict[str, Any]) -> None:
        """Create or change objects."""
        self("apply", "--filename", "-", given=json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)}))

    def get(self, *arguments: str) -> Any:
        """Objects as kubectl gives them in JSON."""
        return json.loads(self("get", *arguments, "--output", "json"))

    def secret(self, name: str) -> dict[str, str]:
        """The values of a Secret."""
        data = self.get("secret", name)["data"]
        return {key: base64.b64decode(value).decode() for key, value in data.items()}

    def pods(self, selector: str) -> list[dict[str, Any]]:
        """Pods with these labels that are not on their way out."""
        found = self.get("pods", "--selector", selector)["items"]
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    def ready(self, selector: str) -> list[str]:
        """Names of ready pods with these labels."""
        return [pod["metadata"]["name"] for pod in self.pods(selector) if is_ready(pod)]

    def until(self, what: str, condition: Callable[[], object], seconds: float) -> None:
        """Wait for something. Raises Failure with the state of the pods when it does not come."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise Failure(f"{what}: not within {seconds:g} s; {self._state()}")
            time.sleep(1)

    @contextmanager
    def forwarded(self, target: str, port: int) -> Iterator[int]:
        """A local port that leads to one of a pod or Service."""
        local = free_port()
        command = [self.kubectl, "--namespace", self.namespace, "port-forward", target, f"{local}:{port}"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            self.until(f"a way to {target}", lambda: listens(local) or process.poll() is not None, 20)
            yield local
        finally:
            end(process)

    def _state(self) -> str:
        lines = self("get", "pods", "--no-headers").splitlines()
        return "; ".join(" ".join(line.split()[:4]) for line in lines if "Completed" not in line) or "no pods"


def ask_again(call: Callable[[], str], seconds: float = AWAY_SECONDS, pause_seconds: float = 2) -> str:
    """Call again for that long while the API server takes no connection. Raises Failure as the call does."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return call()
        except Failure as error:
            if time.monotonic() > deadline or not any(words in str(error) for words in AWAY):
                raise
            time.sleep(pause_seconds)


def is_ready(thing: dict[str, Any]) -> bool:
    """Whether an object's condition Ready is true."""
    return any(
        condition["type"] == "Ready" and condition["status"] == "True"
        for condition in thing.get("status", {}).get("conditions", [])
    )
