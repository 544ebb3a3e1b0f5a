"""The stand-in of the live sources in the cluster: this checkout's code in the pipeline's image, behind a Service."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from matchday.settings import REPOSITORY
from tests.cluster.kube import Kube
from tests.cluster.probe import CONFINED

NAME = "season-upstream"
PORT = 8080
PACKAGE = Path("tests") / "services" / "upstream"
ROOT = "/stand-in"
READY_SECONDS = 120
MOST_BYTES = 1_000_000
"""A ConfigMap holds 1 MiB."""


@contextmanager
def running(kube: Kube, image: str) -> Iterator[str]:
    """Its address within the cluster, once it answers; it serves the moment of its start."""
    kube.apply(*objects(image))
    try:
        kube.until("the stand-in of the sources", lambda: kube.ready(f"app={NAME}"), READY_SECONDS)
        yield f"http://{NAME}.{kube.namespace}.svc:{PORT}"
    finally:
        kube("delete", f"pod/{NAME}", f"service/{NAME}", f"configmap/{NAME}", "--ignore-not-found")


def objects(image: str) -> list[dict[str, Any]]:
    """ConfigMap, pod and Service."""
    files = sources()
    return [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": _metadata(), "data": files},
        {"apiVersion": "v1", "kind": "Pod", "metadata": _metadata(), "spec": _pod(image, sorted(files))},
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": _metadata(),
            "spec": {"selector": {"app": NAME}, "ports": [{"port": PORT}]},
        },
    ]


def sources() -> dict[str, str]:
    """The text of each module of the stand-in, by its file's name."""
    found = sorted((REPOSITORY / PACKAGE).glob("*.py"))
    return {file.name: file.read_text(encoding="utf-8") for file in found if not file.name.startswith("test_")}


def _pod(image: str, files: list[str]) -> dict[str, Any]:
    container = {
        "name": "upstream",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python", "-m", ".".join(PACKAGE.parts), str(PORT)],
        "env": [{"name": "PYTHONPATH", "value": ROOT}],
        # It listens before it can answer: the first answers take seconds.
        "readinessProbe": {
            "httpGet": {"path": "/api/fixtures/", "port": PORT},
            "periodSeconds": 2,
            "timeoutSeconds": 5,
        },
        "resources": {"requests": {"cpu": "50m", "memory": "256Mi"}, "limits": {"cpu": "2", "memory": "1Gi"}},
        "securityContext": {**CONFINED, "readOnlyRootFilesystem": True},
        "volumeMounts": [
            {"name": "code", "mountPath": ROOT, "readOnly": True},
            {"name": "scratch", "mountPath": "/var/lib/matchday"},
        ],
    }
    items = [{"key": file, "path": str(PACKAGE / file)} for file in files]
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 0,
        "containers": [container],
        "volumes": [
            {"name": "code", "configMap": {"name": NAME, "items": items}},
            {"name": "scratch", "emptyDir": {"sizeLimit": "256Mi"}},
        ],
    }


def _metadata() -> dict[str, Any]:
    return {"name": NAME, "labels": {"app": NAME}}
