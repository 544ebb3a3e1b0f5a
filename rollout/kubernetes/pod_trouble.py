"""Why a pod is not ready: no node, an image that cannot be pulled, a crash; and whether waiting can help."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rollout.kubernetes.client import Object

STARTING = frozenset({"PodInitializing", "ContainerCreating"})
"""Reasons of a container that waits for its turn."""
NEEDS_A_PERSON = frozenset(
    {"ErrImageNeverPull", "ImagePullBackOff", "InvalidImageName", "CreateContainerConfigError", "CreateContainerError"}
)
"""Reasons that seldom go away by themselves: the image, or the ConfigMap or Secret of its environment, is wrong."""
PERMANENT = frozenset({"InvalidImageName", "ErrImageNeverPull", "CreateContainerConfigError"})
"""Reasons that never go away by themselves."""

STORAGE = "storage-initializer"
DAMAGED_BUNDLE = 2
"""Exit code of the storage container for a bundle that a person must mend."""
CRASHES = 3
"""Restarts of a container after which it counts as crashing for ever."""


@dataclass(frozen=True)
class PodTrouble:
    """What keeps a pod from being ready. stuck: it needs a person. permanent: it will never be ready."""

    reason: str
    stuck: bool = False
    permanent: bool = False


def find_trouble(pod: Object) -> PodTrouble | None:
    """The first trouble of a pod, as the API describes it; None when it is starting or runs."""
    status = pod.get("status", {})
    for condition in status.get("conditions", []):
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return PodTrouble(f"finds no node: {condition.get('message', '')}")
    containers = [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]
    return next(filter(None, map(_container_trouble, containers)), None)


def _container_trouble(container: Mapping[str, Any]) -> PodTrouble | None:
    state, last = container.get("state", {}), container.get("lastState", {})
    ended = state.get("terminated") or last.get("terminated") or {}
    if ended.get("exitCode"):
        return _crash(container, ended)
    waiting = state.get("waiting") or {}
    reason = waiting.get("reason")
    if reason is None or reason in STARTING:
        return None
    detail = waiting.get("message") or container.get("image", "")
    return PodTrouble(f"{reason}: {detail}", reason in NEEDS_A_PERSON, reason in PERMANENT)


def _crash(container: Mapping[str, Any], ended: Mapping[str, Any]) -> PodTrouble:
    last_line = next(reversed((ended.get("message") or "").strip().splitlines()), "no message")
    damaged = container["name"] == STORAGE and ended["exitCode"] == DAMAGED_BUNDLE
    permanent = damaged or container.get("restartCount", 0) >= CRASHES
    reason = f"ended with {ended['exitCode']} in {container['name']}: {last_line}"
    return PodTrouble(reason, stuck=permanent, permanent=permanent)
