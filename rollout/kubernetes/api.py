"""Kubernetes API for the objects of one namespace: read, create, replace, merge, server-side apply, logs."""

from collections.abc import Callable, Mapping
from contextlib import suppress

from rollout.kubernetes.client import ApiError, ApiResponse, Object, Transport
from rollout.kubernetes.kinds import POD, ResourceKind
from rollout.store import Conflict

MANAGER = "matchday-rollout"
"""Field manager of what rollouts apply."""

JSON, MERGE_PATCH = "application/json", "application/merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"


class Rejected(ApiError):
    """The Kubernetes API refuses a request, and says why."""


class ObjectNotFound(Rejected):
    """No such object, or no such kind in this cluster."""


class Api:
    """Objects of one namespace.

    Every method raises ApiError when the API does not answer, Rejected when it refuses, ObjectNotFound for a
    missing object.
    fence: called before each write; raises when this process may not write any more.
    """

    def __init__(self, namespace: str, transport: Transport, fence: Callable[[], None] = lambda: None) -> None:
        self.namespace = namespace
        self._transport = transport
        self._fence = fence

    def fenced(self, fence: Callable[[], None]) -> "Api":
        """The same API with another fence."""
        return Api(self.namespace, self._transport, fence)

    def get(self, kind: ResourceKind, name: str, part: str = "") -> Object:
        """Read an object, or a subresource of it."""
        return self._ask("GET", kind.path(self.namespace, name, part)).body

    def find(self, kind: ResourceKind, name: str, part: str = "") -> Object | None:
        """Read an object, or a subresource of it; None where there is none."""
        try:
            return self.get(kind, name, part)
        except ObjectNotFound:
            return None

    def list(self, kind: ResourceKind, labels: Mapping[str, str] | None = None) -> list[Object]:
        """Read the objects with these labels, oldest first."""
        selector = ",".join(f"{key}={value}" for key, value in (labels or {}).items())
        answer = self._ask("GET", kind.path(self.namespace), {"labelSelector": selector} if selector else {})
        return sorted(answer.body["items"], key=_age)

    def log(self, pod: str, container: str) -> str:
        """Read what a container has printed so far."""
        return self._ask("GET", POD.path(self.namespace, pod, "log"), {"container": container}).text

    def create(self, kind: ResourceKind, body: Object) -> Object:
        """Create an object. Raises Conflict where one of that name exists."""
        return self._write("POST", kind.path(self.namespace), {}, JSON, _with_type(kind, body))

    def replace(self, kind: ResourceKind, body: Object, part: str = "") -> Object:
        """Replace an object, or a subresource of it. Raises Conflict when it was changed since it was read."""
        path = kind.path(self.namespace, body["metadata"]["name"], part)
        return self._write("PUT", path, {}, JSON, _with_type(kind, body))

    def merge(self, kind: ResourceKind, name: str, body: Object, part: str = "") -> Object:
        """Change the fields that `body` names. Raises Conflict when its resourceVersion is not the current one."""
        return self._write("PATCH", kind.path(self.namespace, name, part), {}, MERGE_PATCH, body)

    def delete(self, kind: ResourceKind, name: str) -> None:
        """Delete an object; one that is gone already is no error."""
        with suppress(ObjectNotFound):
            self._write("DELETE", kind.path(self.namespace, name), {}, "", None)

    def apply(self, kind: ResourceKind, name: str, body: Object) -> Object:
        """Apply fields server-side to an existing object: own these, and remove those owned before and not named."""
        whole = _with_type(kind, {**body, "metadata": {"name": name, **body.get("metadata", {})}})
        query = {"fieldManager": MANAGER, "force": "true"}
        return self._write("PATCH", kind.path(self.namespace, name), query, APPLY_PATCH, whole)

    def _write(self, method: str, path: str, query: Mapping[str, str], content: str, body: Object | None) -> Object:
        self._fence()
        return self._ask(method, path, query, content, body).body

    def _ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        content: str = "",
        body: Object | None = None,
    ) -> ApiResponse:
        answer = self._transport.ask(method, path, query or {}, content, body)
        if answer.status < 300:
            return answer
        reason = f"{method} {path}: {answer.body.get('message') or answer.status}"
        if answer.status == 409:
            raise Conflict(reason)
        if answer.status == 404:
            raise ObjectNotFound(reason)
        if answer.status >= 500 or answer.status == 429:
            raise ApiError(f"the Kubernetes API does not answer: {reason}")
        raise Rejected(f"the Kubernetes API refuses it: {reason}")


def _with_type(kind: ResourceKind, body: Object) -> Object:
    return {"apiVersion": kind.version, "kind": kind.name, **body}


def _age(thing: Object) -> tuple[str, str]:
    return thing["metadata"].get("creationTimestamp", ""), thing["metadata"]["name"]
