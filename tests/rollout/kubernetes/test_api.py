"""The API by its own client, against a server in this process; what pods and servers say."""

import http.server
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from rollout.kubernetes.api import Api, ObjectNotFound, Rejected
from rollout.kubernetes.client import ApiError, KubernetesClient
from rollout.kubernetes.kinds import INFERENCE_SERVICE, POD, POD_DISRUPTION_BUDGET
from rollout.kubernetes.splitters.deployment import DeploymentSize
from rollout.kubernetes.splitters.server_probe import ServerProbe
from rollout.splitter import SplitError
from rollout.store import Conflict
from tests.rollout.kubernetes.cluster import NAMESPACE, SERVICE, Cluster


class ApiHandler(http.server.BaseHTTPRequestHandler):
    """Answers what it is told to, and remembers what it was asked."""

    said: dict[str, tuple[int, str]]
    asked: list[tuple[str, str, str, Any]]

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        self.asked.append((self.command, self.path, self.headers.get("Content-Type", ""), body))
        status, text = self.said.get(self.path.partition("?")[0], (404, '{"message": "not found"}'))
        if not status:
            time.sleep(1.5)
        self.send_response(status or 500)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815

    def log_message(self, *_: Any) -> None:
        """Be quiet."""


@pytest.fixture
def server() -> Iterator[str]:
    ApiHandler.said, ApiHandler.asked = {}, []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), ApiHandler) as here:
        threading.Thread(target=here.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{here.server_port}"
        here.shutdown()


@pytest.fixture
def api(server: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Api:
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "here", "cluster": {"server": server}}],
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}],
        "users": [{"name": "me", "user": {"token": "secret"}}],
        "current-context": "here",
    }
    (tmp_path / "config").write_text(json.dumps(config))
    from kubernetes.config import kube_config

    monkeypatch.setattr(kube_config, "KUBE_CONFIG_DEFAULT_LOCATION", str(tmp_path / "config"))
    return Api(NAMESPACE, KubernetesClient((1.0, 1.0)))


PATH = f"/apis/serving.kserve.io/v1beta1/namespaces/{NAMESPACE}/inferenceservices/{SERVICE}"


def test_an_apply_is_server_side_and_names_its_owner(api: Api) -> None:
    ApiHandler.said[PATH] = (200, "{}")
    api.apply(INFERENCE_SERVICE, SERVICE, {"spec": {"predictor": {}}})
    [(method, path, content, body)] = ApiHandler.asked
    assert (method, content) == ("PATCH", "application/apply-patch+yaml")
    assert path == f"{PATH}?fieldManager=matchday-rollout&force=true"
    assert (body["kind"], body["apiVersion"]) == ("InferenceService", "serving.kserve.io/v1beta1")


def test_the_size_of_a_deployment_is_read_and_written_by_its_subresource(api: Api) -> None:
    path = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/x/scale"
    ApiHandler.said[path] = (200, '{"kind": "Scale", "spec": {"replicas": 4}}')
    assert DeploymentSize(api, "x").read() == 4
    DeploymentSize(api, "x").write(7)
    assert ApiHandler.asked[-1] == ("PATCH", path, "application/merge-patch+json", {"spec": {"replicas": 7}})
    ApiHandler.said[path] = (200, '{"kind": "Scale", "spec": {}}')
    assert DeploymentSize(api, "x").read() == 0
    assert DeploymentSize(api, "y").read() is None


def test_what_is_deleted_may_be_gone_already(api: Api) -> None:
    path = f"/apis/policy/v1/namespaces/{NAMESPACE}/poddisruptionbudgets/x"
    api.delete(POD_DISRUPTION_BUDGET, "x")
    ApiHandler.said[path] = (200, "{}")
    api.delete(POD_DISRUPTION_BUDGET, "x")
    assert [each[:2] for each in ApiHandler.asked] == [("DELETE", path)] * 2
    ApiHandler.said[path] = (403, '{"message": "because"}')
    with pytest.raises(Rejected, match="because"):
        api.delete(POD_DISRUPTION_BUDGET, "x")


@pytest.mark.parametrize(
    ("status", "error"),
    [(404, ObjectNotFound), (409, Conflict), (403, Rejected), (422, Rejected), (503, ApiError), (429, ApiError)],
)
def test_what_the_api_says_is_told_apart(api: Api, status: int, error: type[Exception]) -> None:
    ApiHandler.said[PATH] = (status, '{"message": "because"}')
    with pytest.raises(error, match="because") as told:
        api.get(INFERENCE_SERVICE, SERVICE)
    assert isinstance(told.value, Rejected) == (status in (403, 404, 422))


def test_an_answer_that_is_no_json_is_a_reason(api: Api) -> None:
    ApiHandler.said[PATH] = (502, "<html>gateway</html>")
    with pytest.raises(ApiError, match="gateway"):
        api.get(INFERENCE_SERVICE, SERVICE)


def test_an_api_that_is_silent_does_not_answer(api: Api) -> None:
    ApiHandler.said[PATH] = (0, "")
    with pytest.raises(ApiError, match="does not answer"):
        api.get(INFERENCE_SERVICE, SERVICE)


def test_a_fence_is_asked_before_each_write_and_no_read() -> None:
    def closed() -> None:
        raise ApiError("closed")

    api = Api(NAMESPACE, Cluster()).fenced(closed)
    assert api.get(INFERENCE_SERVICE, SERVICE)
    for write in (api.create, api.replace):
        with pytest.raises(ApiError, match="closed"):
            write(POD, {"metadata": {"name": "x"}})


def test_servers_say_which_version_they_have(server: str) -> None:
    ApiHandler.said["/v2/models/m/versions/3/ready"] = (200, "{}")
    line = 'matchday_serving_requests_total{model="m",variant="stable",version="3"} 5.0\n'
    other = 'matchday_serving_requests_total{model="other",version="9"} 5.0\n'
    ApiHandler.said["/metrics"] = (200, line + other)
    here = ServerProbe()
    assert here.is_ready(server, "m", "3")
    assert not here.is_ready(server, "m", "2")
    assert not here.is_ready("http://127.0.0.1:1", "m", "3")
    assert here.served_version([server, server], "m") == "3"
    with pytest.raises(SplitError, match="do not say"):
        here.served_version(["http://127.0.0.1:1"], "m")
