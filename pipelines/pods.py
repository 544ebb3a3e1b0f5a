"""Pods of a pipeline run on Kubernetes: their logs, and why they cannot start."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from matchday.errors import MatchdayError
from rollout.kubernetes.api import Api, Rejected
from rollout.kubernetes.client import ApiError, KubernetesClient, Object
from rollout.kubernetes.kinds import POD
from rollout.kubernetes.pod_trouble import find_trouble

RUN_LABEL = "pipeline/runid"
NODE = "workflows.argoproj.io/node-name"
"""Annotation of a pod: the path of its node in the workflow, `train-x7k2p.root.condition-2.register.executor`."""

EXECUTOR = re.compile(r".*\.(?P<step>[^.]+)\.executor(\(\d+\))?")
CONTAINER = "main"
"""The container that runs the step."""

TIMEOUTS = (3.0, 10.0)
"""Seconds to connect, and to wait for an answer: logs are long."""

T = TypeVar("T")


class PodsError(MatchdayError):
    """Kubernetes cannot be asked for the pods of a run."""


@dataclass(frozen=True)
class StepPod:
    """The pod of a step. stuck: why it cannot start; empty when it can."""

    name: str
    step: str
    phase: str
    stuck: str = ""


class RunPods:
    """Pods of runs in one namespace, by KUBECONFIG or by the service account of this pod."""

    def __init__(self, namespace: str) -> None:
        """namespace: where the runs live. Raises PodsError when no cluster is configured."""
        try:
            self._api = Api(namespace, KubernetesClient(TIMEOUTS))
        except ApiError as error:
            raise PodsError(f"Kubernetes cannot be asked for logs: {error}") from None

    def of(self, run_id: str) -> list[StepPod]:
        """The pods of a run's steps, oldest first. Raises PodsError."""
        found = self._ask(lambda: self._api.list(POD, {RUN_LABEL: run_id}))
        return [pod for thing in found if (pod := _step_pod(thing)) is not None]

    def log(self, pod: StepPod) -> list[str]:
        """The lines that the step has printed so far; none before it has started. Raises PodsError."""
        if pod.phase == "Pending":
            return []
        return self._ask(lambda: self._api.log(pod.name, CONTAINER)).splitlines()

    def _ask(self, request: Callable[[], T]) -> T:
        try:
            return request()
        except Rejected as error:
            raise PodsError(f"pods in {self._api.namespace} cannot be read: {error}") from None
        except ApiError as error:
            raise PodsError(f"{error}: check KUBECONFIG") from None


def _step_pod(thing: Object) -> StepPod | None:
    """A pod of a step; None for the driver before it."""
    found = EXECUTOR.fullmatch((thing["metadata"].get("annotations") or {}).get(NODE, ""))
    if found is None:
        return None
    trouble = find_trouble(thing)
    stuck = trouble.reason if trouble and trouble.stuck else ""
    return StepPod(thing["metadata"]["name"], found["step"], thing["status"]["phase"], stuck)
