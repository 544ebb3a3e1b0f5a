"""The pods behind an InferenceService: which answer, with which version, and what is wrong with those that do not."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rollout.kubernetes.api import POD, Api, Object
from rollout.splitter import Readiness

PIN = "matchday.io/version"
"""Annotation of a predictor and of its pods: the version that the alias in their storageUri stands for."""

SERVER = "kserve-container"
PORT = 8080
GRPC = "h2c"
BEYOND_REPAIR = 2
"""Exit code of the storage container for what a person must mend."""
CRASHES = 3
"""Restarts of a container after which it is taken to crash for ever."""
NEVER = ("InvalidImageName", "ErrImageNeverPull", "CreateContainerConfigError")


@dataclass(frozen=True)
class ServerPod:
    """A pod that has not ended and is not about to. trouble: why it is not ready. hopeless: it never will be."""

    name: str
    url: str
    ready: bool
    pin: str
    trouble: str = ""
    hopeless: bool = False


def pods(api: Api, labels: Mapping[str, str]) -> list[ServerPod]:
    """Pods with these labels, oldest first, without those that ended: Kubernetes keeps an evicted one for a while."""
    return [_pod(each) for each in api.list(POD, labels) if not _over(each)]


def readiness(found: list[ServerPod], wanted: int) -> Readiness:
    """Whether as many as wanted are ready; if not, what the first of the others says."""
    ready = sum(pod.ready for pod in found)
    if ready >= wanted:
        return Readiness(True)
    troubled = next((pod for pod in found if pod.trouble), None)
    why = f": {troubled.name} {troubled.trouble}" if troubled else ""
    hopeless = bool(found) and all(pod.hopeless for pod in found)
    return Readiness(False, f"{ready} of {wanted} pods of the candidate are ready{why}", hopeless)


def _over(thing: Object) -> bool:
    return "deletionTimestamp" in thing["metadata"] or thing.get("status", {}).get("phase") in ("Failed", "Succeeded")


def _pod(thing: Object) -> ServerPod:
    status = thing.get("status", {})
    conditions = {each["type"]: each for each in status.get("conditions", [])}
    ready = conditions.get("Ready", {}).get("status") == "True" and bool(status.get("podIP"))
    trouble, hopeless = ("", False) if ready else _trouble(status, conditions)
    pin = (thing["metadata"].get("annotations") or {}).get(PIN, "")
    url = f"http://{status.get('podIP', '')}:{_port(thing)}"
    return ServerPod(thing["metadata"]["name"], url, ready, pin, trouble, hopeless)


def _port(thing: Object) -> int:
    """Where the server itself listens for HTTP."""
    for container in thing.get("spec", {}).get("containers", []):
        for port in container.get("ports", []) if container["name"] == SERVER else []:
            if port.get("name") != GRPC:
                return int(port["containerPort"])
    return PORT


def _trouble(status: Object, conditions: Mapping[str, Any]) -> tuple[str, bool]:
    """What keeps a pod from being ready, and whether it always will."""
    scheduled = conditions.get("PodScheduled", {})
    if scheduled.get("status") == "False":
        return f"finds no node: {scheduled.get('message', '')}", False
    containers = [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]
    for container in containers:
        ended = container.get("state", {}).get("terminated") or container.get("lastState", {}).get("terminated") or {}
        waiting = container.get("state", {}).get("waiting") or {}
        if ended.get("exitCode"):
            return _crash(container, ended)
        if waiting.get("reason") not in (None, "PodInitializing", "ContainerCreating"):
            return f"{waiting['reason']}: {waiting.get('message', '')}", waiting["reason"] in NEVER
    return "is starting", False


def _crash(container: Object, ended: Object) -> tuple[str, bool]:
    said = next(reversed((ended.get("message") or "").strip().splitlines()), "without a word")
    storage = container["name"] == "storage-initializer" and ended["exitCode"] == BEYOND_REPAIR
    hopeless = storage or container.get("restartCount", 0) >= CRASHES
    return f"ended with {ended['exitCode']} in {container['name']}: {said}", hopeless
