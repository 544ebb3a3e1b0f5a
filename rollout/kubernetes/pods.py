"""Pods behind an InferenceService: which are ready, with which version, and what is wrong with the others."""

from collections.abc import Mapping
from dataclasses import dataclass

from rollout.kubernetes.api import Api
from rollout.kubernetes.client import Object
from rollout.kubernetes.kinds import POD
from rollout.kubernetes.pod_trouble import PodTrouble, find_trouble
from rollout.splitter import Readiness

PIN = "matchday.io/version"
"""Annotation of a predictor and of its pods: the version that the alias in their storageUri stands for."""

SERVER = "kserve-container"
PORT = 8080
GRPC = "h2c"
"""Name of the port for gRPC."""
ENDED = ("Failed", "Succeeded")
EVICTED = "Evicted"
"""Reason of a pod that its node has ended for want of memory, disk or process ids."""


@dataclass(frozen=True)
class ServerPod:
    """A pod that has not ended and is not being deleted. url: of its server. trouble: why it is not ready."""

    name: str
    url: str
    ready: bool
    pin: str
    trouble: PodTrouble | None = None


def list_pods(api: Api, labels: Mapping[str, str]) -> list[ServerPod]:
    """Pods with these labels, oldest first, without those that ended: Kubernetes keeps an evicted one for a while."""
    return [_server_pod(each) for each in api.list(POD, labels) if not _has_ended(each)]


def count_restarts(api: Api, labels: Mapping[str, str]) -> dict[str, int]:
    """Restarts of the server in each pod with these labels, by the pod's name; one more for a pod its node evicted.

    A pod that a drain, a preemption, a scale-down or a person takes away did not fail: only its restarts count.
    """
    return {each["metadata"]["name"]: _restarts(each) for each in api.list(POD, labels)}


def readiness(pods: list[ServerPod], wanted: int) -> Readiness:
    """Whether as many as wanted are ready; if not, what is wrong with the first of the others."""
    ready = sum(pod.ready for pod in pods)
    if ready >= wanted:
        return Readiness(True)
    first = next((pod for pod in pods if not pod.ready), None)
    why = f": {first.name} {first.trouble.reason if first.trouble else 'is starting'}" if first else ""
    permanent = bool(pods) and all(pod.trouble is not None and pod.trouble.permanent for pod in pods)
    return Readiness(False, f"{ready} of {wanted} pods of the candidate are ready{why}", permanent)


def _restarts(pod: Object) -> int:
    status = pod.get("status", {})
    servers = [each for each in status.get("containerStatuses") or [] if each["name"] == SERVER]
    return sum(int(each.get("restartCount", 0)) for each in servers) + bool(status.get("reason") == EVICTED)


def _has_ended(thing: Object) -> bool:
    return "deletionTimestamp" in thing["metadata"] or thing.get("status", {}).get("phase") in ENDED


def _server_pod(thing: Object) -> ServerPod:
    status = thing.get("status", {})
    conditions = {each["type"]: each for each in status.get("conditions", [])}
    ready = conditions.get("Ready", {}).get("status") == "True" and bool(status.get("podIP"))
    pin = (thing["metadata"].get("annotations") or {}).get(PIN, "")
    url = f"http://{status.get('podIP', '')}:{_http_port(thing)}"
    return ServerPod(thing["metadata"]["name"], url, ready, pin, None if ready else find_trouble(thing))


def _http_port(thing: Object) -> int:
    """Port at which the model server takes HTTP."""
    for container in thing.get("spec", {}).get("containers", []):
        for port in container.get("ports", []) if container["name"] == SERVER else []:
            if port.get("name") != GRPC:
                return int(port["containerPort"])
    return PORT
