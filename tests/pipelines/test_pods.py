"""Pods of a run, asked of a stand-in for Kubernetes' API through the real client."""

import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from pipelines.pods import NODE, PodsError, RunPods, StepPod

RUN = "5e9694fe"


def item(name: str, node: str, minute: int, phase: str, waiting: dict[str, str] | None = None) -> dict[str, Any]:
    """A pod as Kubernetes tells it."""
    state = {"waiting": waiting} if waiting else {"running": {}}
    container = {"name": "main", "image": "x:1", "imageID": "", "ready": False, "restartCount": 0, "state": state}
    made = f"2026-11-21T16:{minute:02}:00Z"
    meta = {"name": name, "annotations": {NODE: node}, "creationTimestamp": made, "labels": {"pipeline/runid": RUN}}
    return {"metadata": meta, "spec": {"containers": []}, "status": {"phase": phase, "containerStatuses": [container]}}


PODS = [
    item("b", "run-x.root.condition-2.register.executor", 9, "Running"),
    item("a", "run-x.root.ingest.executor", 4, "Succeeded"),
    item("d", "run-x.root.ingest-driver", 3, "Succeeded"),
    item("c", "run-x.root.refuse.executor", 10, "Pending", {"reason": "ImagePullBackOff", "message": "no such image"}),
    item("e", "run-x.root.late.executor(0)", 11, "Pending", {"reason": "ContainerCreating"}),
]


class Kubernetes(http.server.BaseHTTPRequestHandler):
    forbidden = False

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if self.forbidden:
            self._reply(403, b'{"kind": "Status", "message": "pods is forbidden: user c may not list them"}')
        elif parts.path == "/api/v1/namespaces/runs/pods":
            assert parse_qs(parts.query)["labelSelector"] == [f"pipeline/runid={RUN}"]
            self._reply(200, json.dumps({"kind": "PodList", "apiVersion": "v1", "items": PODS}).encode())
        else:
            self._reply(200, f"log of {parts.path.split('/')[-2]}\n» said\n".encode(), "text/plain")

    def _reply(self, status: int, body: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def pods(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunPods]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Kubernetes) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        cluster = {"name": "c", "cluster": {"server": f"http://127.0.0.1:{server.server_address[1]}"}}
        context = {"name": "c", "context": {"cluster": "c", "user": "c"}}
        config = {"clusters": [cluster], "contexts": [context], "users": [{"name": "c", "user": {}}]}
        (tmp_path / "config").write_text(yaml.safe_dump({**config, "current-context": "c"}))
        monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(tmp_path / "config"))
        yield RunPods("runs")
        server.shutdown()


def test_the_pods_of_steps_in_the_order_in_which_they_were_made(pods: RunPods) -> None:
    assert pods.of(RUN) == [
        StepPod("a", "ingest", "Succeeded"),
        StepPod("b", "register", "Running"),
        StepPod("c", "refuse", "Pending", "ImagePullBackOff: no such image"),
        StepPod("e", "late", "Pending"),
    ]


def test_the_log_of_a_pod_that_has_begun(pods: RunPods) -> None:
    begun, *_, waiting = pods.of(RUN)
    assert pods.log(begun) == ["log of a", "» said"]
    assert pods.log(waiting) == []


def test_who_may_not_see_pods_is_told(pods: RunPods, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Kubernetes, "forbidden", True)
    with pytest.raises(PodsError, match=r"pods in runs cannot be read: .*pods is forbidden: user c may not list them"):
        pods.of(RUN)


def test_without_a_cluster_it_is_said_what_to_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(tmp_path / "none"))
    with pytest.raises(PodsError, match="set KUBECONFIG"):
        RunPods("runs")
