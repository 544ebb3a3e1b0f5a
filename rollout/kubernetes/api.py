"""The Kubernetes API, as far as a rollout needs it: a few verbs on objects of one namespace."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from rollout.splitter import SplitError
from rollout.store import Conflict

MANAGER = "matchday-rollout"
"""Owner of the fields that rollouts apply."""

PATIENCE = (3.0, 8.0)
"""Seconds that a connection and an answer may take; admission by KServe's webhooks is in it."""

OWN_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
"""Where a pod reads which namespace it is in."""

Object = dict[str, Any]


class ApiError(SplitError):
    """The Kubernetes API does not answer now."""


class Rejected(ApiError):
    """The Kubernetes API refuses what was asked, and says why."""


class NotFound(Rejected):
    """No such object, or no such kind in this cluster."""


@dataclass(frozen=True)
class ResourceKind:
    """A kind of objects, as the API calls it."""

    version: str
    plural: str
    name: str

    def path(self, namespace: str, name: str = "", part: str = "") -> str:
        """Where its objects are."""
        root = "/api/v1" if self.version == "v1" else f"/apis/{self.version}"
        return "/".join(filter(None, [root, "namespaces", namespace, self.plural, name, part]))


MODEL_ROLLOUT = ResourceKind("matchday.io/v1alpha1", "modelrollouts", "ModelRollout")
INFERENCE_SERVICE = ResourceKind("serving.kserve.io/v1beta1", "inferenceservices", "InferenceService")
HTTP_ROUTE = ResourceKind("gateway.networking.k8s.io/v1", "httproutes", "HTTPRoute")
KNATIVE_SERVICE = ResourceKind("serving.knative.dev/v1", "services", "Service")
LEASE = ResourceKind("coordination.k8s.io/v1", "leases", "Lease")
POD = ResourceKind("v1", "pods", "Pod")
SERVICE = ResourceKind("v1", "services", "Service")
EVENT = ResourceKind("v1", "events", "Event")


@dataclass(frozen=True)
class ApiResponse:
    """What the API said. body: an object, or its Status."""

    status: int
    body: Object


class Transport(Protocol):
    """The way to the API."""

    def ask(self, method: str, path: str, query: Mapping[str, str], content: str, body: Object | None) -> ApiResponse:
        """One request. content: the body's media type. Raises ApiError when there is no answer."""


class Api:
    """Objects of one namespace. Every method raises ApiError, Rejected where the API says no, Absent for what is not.

    fence: called before each write; raises when this process may not write any more.
    """

    def __init__(self, namespace: str, transport: Transport, fence: Callable[[], None] = lambda: None) -> None:
        self.namespace = namespace
        self._transport = transport
        self._fence = fence

    def fenced(self, fence: Callable[[], None]) -> "Api":
        """The same, writing only where `fence` lets it."""
        return Api(self.namespace, self._transport, fence)

    def get(self, kind: ResourceKind, name: str) -> Object:
        """An object."""
        return self._ask("GET", kind.path(self.namespace, name))

    def find(self, kind: ResourceKind, name: str) -> Object | None:
        """An object; None where there is none."""
        try:
            return self.get(kind, name)
        except NotFound:
            return None

    def list(self, kind: ResourceKind, labels: Mapping[str, str] | None = None) -> list[Object]:
        """Objects with these labels, oldest first."""
        selector = ",".join(f"{key}={value}" for key, value in (labels or {}).items())
        answer = self._ask("GET", kind.path(self.namespace), {"labelSelector": selector} if selector else {})
        return sorted(answer["items"], key=_age)

    def create(self, kind: ResourceKind, body: Object) -> Object:
        """Make an object. Raises Conflict where one of that name is."""
        return self._write("POST", kind.path(self.namespace), {}, "application/json", _typed(kind, body))

    def replace(self, kind: ResourceKind, body: Object, part: str = "") -> Object:
        """Write an object, or a part of it, whole. Raises Conflict when it is not the version that was read."""
        path = kind.path(self.namespace, body["metadata"]["name"], part)
        return self._write("PUT", path, {}, "application/json", _typed(kind, body))

    def merge(self, kind: ResourceKind, name: str, body: Object) -> Object:
        """Change what `body` names and nothing else. Raises Conflict for another resourceVersion than it says."""
        return self._write("PATCH", kind.path(self.namespace, name), {}, "application/merge-patch+json", body)

    def apply(self, kind: ResourceKind, name: str, body: Object) -> Object:
        """Server-side apply to an object that is there: these fields are ours, those that we no longer name go."""
        whole = _typed(kind, {**body, "metadata": {"name": name, **body.get("metadata", {})}})
        query = {"fieldManager": MANAGER, "force": "true"}
        return self._write("PATCH", kind.path(self.namespace, name), query, "application/apply-patch+yaml", whole)

    def _write(self, method: str, path: str, query: Mapping[str, str], content: str, body: Object) -> Object:
        self._fence()
        return self._ask(method, path, query, content, body)

    def _ask(
        self, method: str, path: str, query: Mapping[str, str] | None = None, content: str = "", body: Any = None
    ) -> Object:
        answer = self._transport.ask(method, path, query or {}, content, body)
        if answer.status < 300:
            return answer.body
        said = f"{method} {path}: {answer.body.get('message') or answer.status}"
        if answer.status == 409:
            raise Conflict(said)
        if answer.status == 404:
            raise NotFound(said)
        if answer.status >= 500 or answer.status == 429:
            raise ApiError(f"the Kubernetes API does not answer: {said}")
        raise Rejected(f"the Kubernetes API refuses it: {said}")


class Client:
    """The API by its own client library, with the rights of this pod, or of this person's kubeconfig."""

    def __init__(self, seconds: tuple[float, float] = PATIENCE) -> None:
        """seconds: for a connection and for an answer. Raises ApiError where there is no cluster to ask."""
        from kubernetes import client, config

        settings = client.Configuration()
        try:
            load = config.load_incluster_config if OWN_NAMESPACE.exists() else config.load_kube_config
            load(client_configuration=settings)
        except config.ConfigException as error:
            raise ApiError(f"no cluster to ask ({error}): set KUBECONFIG") from None
        settings.retries = False
        self._client = client.ApiClient(settings)
        self._seconds = seconds

    def ask(self, method: str, path: str, query: Mapping[str, str], content: str, body: Object | None) -> ApiResponse:
        """One request."""
        from kubernetes.client.rest import ApiException
        from urllib3.exceptions import HTTPError

        headers = {"Accept": "application/json", **({"Content-Type": content} if content else {})}
        try:
            answer = self._client.call_api(
                *(path, method, {}, list(query.items()), headers),
                body=body,
                auth_settings=["BearerToken"],
                _return_http_data_only=True,
                _preload_content=False,
                _request_timeout=self._seconds,
            )
        except ApiException as error:
            return ApiResponse(error.status, _read(error.body))
        except (HTTPError, OSError) as error:
            raise ApiError(f"the Kubernetes API does not answer: {type(error).__name__}") from None
        return ApiResponse(answer.status, _read(answer.data))


def default_namespace() -> str:
    """That of this pod, or of this person's kubeconfig; `default` where neither says."""
    from kubernetes import config

    if OWN_NAMESPACE.exists():
        return OWN_NAMESPACE.read_text().strip()
    try:
        _, active = config.list_kube_config_contexts()
    except config.ConfigException:
        return "default"
    return str(active["context"].get("namespace") or "default")


def _read(text: str | bytes | None) -> Object:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {"message": str(text)[:200]}
    return found if isinstance(found, dict) else {}


def _typed(kind: ResourceKind, body: Object) -> Object:
    return {"apiVersion": kind.version, "kind": kind.name, **body}


def _age(thing: Object) -> tuple[str, str]:
    return thing["metadata"].get("creationTimestamp", ""), thing["metadata"]["name"]
