"""An InferenceService beside the release's, for a model URI that is wrong."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.cluster import forecasts
from tests.cluster.kube import Kube, is_ready

INITIALIZER = "storage-initializer"
VOLUME = {"name": "kserve-provision-location", "mountPath": "/mnt/models", "readOnly": True}
LIST = """
import os, time
end = time.monotonic() + 15
while (found := sorted(os.listdir("/mnt/models"))) and time.monotonic() < end:
    time.sleep(0.2)
print(found)
"""
"""Prints what is in the folder, at a moment when no download runs."""


@dataclass(frozen=True)
class Predictor:
    """An InferenceService that may never be ready."""

    kube: Kube
    name: str

    def ready(self) -> bool:
        """Whether the InferenceService is."""
        return is_ready(self.kube.get("inferenceservice", self.name))

    def failure(self) -> dict[str, Any]:
        """The last failure in KServe's status: `message` and `exitCode`; empty when there is none."""
        status = self.kube.get("inferenceservice", self.name).get("status", {})
        return dict(status.get("modelStatus", {}).get("lastFailureInfo") or {})

    def pod(self) -> dict[str, Any]:
        """Its pod. Raises ValueError while there is not exactly one."""
        [pod] = self.kube.pods(f"serving.kserve.io/inferenceservice={self.name}")
        return pod

    def log(self) -> list[str]:
        """Lines of the storage initializer, of its last start."""
        return self.kube("logs", self.pod()["metadata"]["name"], "--container", INITIALIZER).splitlines()

    def attempts(self) -> int:
        """How often the storage initializer was started."""
        [status] = self.pod()["status"]["initContainerStatuses"]
        return int(status["restartCount"]) + 1

    def files(self) -> str:
        """Files in the bundle's folder, listed by an ephemeral container."""
        pod = self.pod()
        [initializer] = pod["spec"]["initContainers"]
        lister = {"name": "lister", "command": ["python", "-c", LIST], "volumeMounts": [VOLUME]}
        lister |= {key: initializer[key] for key in ("image", "imagePullPolicy", "securityContext")}
        pod["spec"]["ephemeralContainers"] = [lister]
        del pod["metadata"]["resourceVersion"]  # whatever its status has become meanwhile
        name = pod["metadata"]["name"]
        path = f"/api/v1/namespaces/{self.kube.namespace}/pods/{name}/ephemeralcontainers"
        self.kube("replace", "--raw", path, "--filename", "-", given=json.dumps(pod))
        self.kube.until(f"the files of {name}", self._has_listed, 60)
        return self.kube("logs", name, "--container", "lister").strip()

    def _has_listed(self) -> bool:
        return any("terminated" in each["state"] for each in self.pod()["status"].get("ephemeralContainerStatuses", []))


@contextmanager
def beside(kube: Kube, uris: dict[str, str]) -> Iterator[list[Predictor]]:
    """InferenceServices like the release's but for name and model URI; they are deleted with the block."""
    like = kube.get("inferenceservice", forecasts.MODEL)
    kept = {"apiVersion": like["apiVersion"], "kind": like["kind"]}
    meta = {key: like["metadata"]["annotations"][key] for key in like["metadata"]["annotations"] if "kserve.io" in key}
    try:
        for name, uri in uris.items():
            spec = json.loads(json.dumps(like["spec"]))
            spec["predictor"]["model"]["storageUri"] = uri
            spec["predictor"] |= {"minReplicas": 1, "maxReplicas": 1}
            kube.apply({**kept, "metadata": {"name": name, "annotations": meta}, "spec": spec})
        yield [Predictor(kube, name) for name in uris]
    finally:
        kube("delete", "inferenceservice", *uris, "--ignore-not-found", "--wait=false")
