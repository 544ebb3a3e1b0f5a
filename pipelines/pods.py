"""The pods of a run, where Kubernetes may be asked: what they print, and why they do not start."""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from matchday.errors import MatchdayError

RUN_LABEL = "pipeline/runid"
NODE = "workflows.argoproj.io/node-name"
"""Annotation of a pod: the path of its node in the workflow, `train-x7k2p.root.condition-2.register.executor`."""

EXECUTOR = re.compile(r".*\.(?P<step>[^.]+)\.executor(\(\d+\))?")
STUCK = frozenset(
    {"ErrImageNeverPull", "ImagePullBackOff", "InvalidImageName", "CreateContainerConfigError", "CreateContainerError"}
)
"""Reasons for which a container waits that waiting does not mend."""

ANSWER_SECONDS = 10


class PodsError(MatchdayError):
    """Kubernetes cannot be asked for the pods of a run."""


@dataclass(frozen=True)
class Pod:
    """The pod of a step. stuck: why it cannot start, or nothing."""

    name: str
    step: str
    phase: str
    stuck: str = ""


class Pods:
    """Pods of one namespace, by KUBECONFIG or by the service account of this pod."""

    def __init__(self, namespace: str) -> None:
        """namespace: where the runs live. Raises PodsError when there is neither."""
        from kubernetes import client, config
        from kubernetes.config import ConfigException

        within = "KUBERNETES_SERVICE_HOST" in os.environ and "KUBECONFIG" not in os.environ
        try:
            config.load_incluster_config() if within else config.load_kube_config()
        except (ConfigException, OSError) as error:
            raise PodsError(f"Kubernetes cannot be asked for logs: set KUBECONFIG ({error})") from None
        self.namespace = namespace
        self._api = client.CoreV1Api()

    def of(self, run_id: str) -> list[Pod]:
        """The pods of a run's steps, in the order in which they were made. Raises PodsError."""
        found = self._ask(self._api.list_namespaced_pod, self.namespace, label_selector=f"{RUN_LABEL}={run_id}").items
        return [pod for item in sorted(found, key=_made) if (pod := _pod(item)) is not None]

    def log(self, pod: Pod) -> list[str]:
        """The lines that the step has printed so far; none before it has started. Raises PodsError."""
        if pod.phase == "Pending":
            return []
        text = self._ask(self._api.read_namespaced_pod_log, pod.name, self.namespace, container="main")
        return str(text).splitlines()

    def _ask(self, call: Any, *arguments: str, **options: str) -> Any:
        from kubernetes.client.exceptions import ApiException
        from urllib3.exceptions import HTTPError

        try:
            return call(*arguments, **options, _request_timeout=ANSWER_SECONDS)
        except ApiException as error:
            raise PodsError(f"Kubernetes refuses to tell of pods in {self.namespace} ({error.reason})") from None
        except HTTPError as error:
            raise PodsError(f"Kubernetes does not answer ({type(error).__name__}): check KUBECONFIG") from None


def _made(item: Any) -> Any:
    return item.metadata.creation_timestamp, item.metadata.name


def _pod(item: Any) -> Pod | None:
    """A pod of a step; None for the driver before it."""
    found = EXECUTOR.fullmatch((item.metadata.annotations or {}).get(NODE, ""))
    if found is None:
        return None
    containers = [*(item.status.init_container_statuses or []), *(item.status.container_statuses or [])]
    return Pod(item.metadata.name, found["step"], item.status.phase, next(_stuck(containers), ""))


def _stuck(containers: Iterable[Any]) -> Any:
    for container in containers:
        waiting = container.state.waiting if container.state else None
        if waiting and waiting.reason in STUCK:
            yield f"{waiting.reason}, {waiting.message or container.image}"
