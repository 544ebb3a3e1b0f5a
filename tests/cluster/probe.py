"""Pods that try to connect: who reaches whom, as NetworkPolicies let them."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from tests.cluster.kube import Kube

SERVER = "serve"
PORT = 8080
SECONDS = 4
"""A connection that is refused by a policy is dropped, and seen only by its time limit."""

SCRIPT = """
import json, socket, sys
from concurrent.futures import ThreadPoolExecutor

def reaches(address):
    for _ in range(2):
        try:
            socket.create_connection(tuple(address), timeout=float(sys.argv[2])).close()
            return True
        except OSError:
            pass
    return False

targets = json.loads(sys.argv[1])
with ThreadPoolExecutor(len(targets)) as pool:
    print(json.dumps(dict(zip(targets, pool.map(reaches, targets.values())))))
"""
"""Prints which addresses it reaches, each tried twice: a first packet may be lost."""

REST = "import time; time.sleep(300)"
LISTEN = "import http.server as h; h.ThreadingHTTPServer(('', 8080), h.BaseHTTPRequestHandler).serve_forever()"
CONFINED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "runAsUser": 65532,
    "seccompProfile": {"type": "RuntimeDefault"},
}

Address = tuple[str, int]


@dataclass(frozen=True)
class Probe:
    """A pod that tries to reach every target. labels: decide which policies hold. allowed: what it should reach."""

    kube: Kube
    name: str
    labels: Mapping[str, str]
    allowed: Collection[str]

    def begin(self, image: str) -> None:
        """Start it. It is never ready, so that no Service leads to it whatever its labels are."""
        self.kube.apply(_pod(self.name, self.labels, image, REST))

    def runs(self) -> bool:
        """Whether it runs, and whoever enforces policies can know its address; before that nothing holds for it."""
        return self.kube.get("pod", self.name)["status"].get("phase") == "Running"

    def reached(self, targets: Mapping[str, Address]) -> set[str]:
        """The targets that it reaches."""
        said = self.kube("exec", self.name, "--", "python", "-c", SCRIPT, json.dumps(targets), str(SECONDS))
        return {name for name, reached in json.loads(said).items() if reached}

    def remove(self) -> None:
        """Delete it."""
        self.kube("delete", "pod", self.name, "--ignore-not-found", "--wait=false", "--grace-period=0", "--force")


def listener(kube: Kube, name: str, image: str) -> Address:
    """A pod that takes connections; its address, once it does."""
    kube.apply(_pod(name, {"probe": name}, image, LISTEN, listens=True))
    kube.until(f"{name} listens", lambda: kube.ready(f"probe={name}"), 60)
    return address_of(kube, f"probe={name}", PORT)


def address_of(kube: Kube, selector: str, port: int) -> Address:
    """The address of a ready pod with these labels."""
    [name, *_] = kube.ready(selector)
    return str(kube.get("pod", name)["status"]["podIP"]), port


def deny_all(name: str) -> dict[str, Any]:
    """A policy under which a probe of this name may call nothing."""
    spec = {"podSelector": {"matchLabels": {"probe": name}}, "policyTypes": ["Egress"]}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": name}, "spec": spec}


def _pod(name: str, labels: Mapping[str, str], image: str, script: str, *, listens: bool = False) -> dict[str, Any]:
    never = {"exec": {"command": ["false"]}, "periodSeconds": 60}
    container = {
        "name": "probe",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python", "-c", script],
        "readinessProbe": {"tcpSocket": {"port": PORT}, "periodSeconds": 1} if listens else never,
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"cpu": "1", "memory": "64Mi"}},
        "securityContext": CONFINED,
    }
    spec = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 0,
        "containers": [container],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": dict(labels)}, "spec": spec}
