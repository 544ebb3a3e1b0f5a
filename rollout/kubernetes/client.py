"""HTTP client of the Kubernetes API: the only module that imports the `kubernetes` library.

Requests bear the rights of this pod, or of this person's kubeconfig where KUBECONFIG is set or there is no pod.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from rollout.splitter import SplitError

TIMEOUTS = (3.0, 8.0)
"""Seconds to connect, and to wait for an answer; the latter includes admission by KServe's webhooks."""

OWN_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
"""File in which a pod finds the name of its namespace."""

ACCEPT = "application/json, */*"
"""Logs are plain text, all else is JSON."""

Object = dict[str, Any]
"""An object of the API, as JSON."""


class ApiError(SplitError):
    """The Kubernetes API does not answer now."""


@dataclass(frozen=True)
class ApiResponse:
    """An answer of the API. content: JSON of an object or of a Status, or the text of a log."""

    status: int
    content: bytes

    @property
    def body(self) -> Object:
        """The content as an object; other content becomes the `message` of one."""
        try:
            found = json.loads(self.content or b"{}")
        except ValueError:
            return {"message": self.text[:200]}
        return found if isinstance(found, dict) else {}

    @property
    def text(self) -> str:
        """The content as text."""
        return self.content.decode("utf-8", "replace")


class Transport(Protocol):
    """Sends requests to the API."""

    def ask(self, method: str, path: str, query: Mapping[str, str], content: str, body: Object | None) -> ApiResponse:
        """Send one request. content: media type of the body. Raises ApiError when there is no answer."""


class KubernetesClient:
    """A transport by the official client library."""

    def __init__(self, timeouts: tuple[float, float] = TIMEOUTS) -> None:
        """timeouts: seconds to connect, and to wait for an answer. Raises ApiError where no cluster is configured."""
        from kubernetes import client, config

        settings = client.Configuration()
        try:
            load = config.load_incluster_config if _in_pod() else config.load_kube_config
            load(client_configuration=settings)
        except (config.ConfigException, OSError) as error:
            raise ApiError(f"no cluster to ask ({error}): set KUBECONFIG") from None
        settings.retries = False
        self._client = client.ApiClient(settings)
        self._timeouts = timeouts

    def ask(self, method: str, path: str, query: Mapping[str, str], content: str, body: Object | None) -> ApiResponse:
        """Send one request."""
        from kubernetes.client.rest import ApiException
        from urllib3.exceptions import HTTPError

        headers = {"Accept": ACCEPT, **({"Content-Type": content} if content else {})}
        try:
            answer = self._client.call_api(
                *(path, method, {}, list(query.items()), headers),
                body=body,
                auth_settings=["BearerToken"],
                _return_http_data_only=True,
                _preload_content=False,
                _request_timeout=self._timeouts,
            )
        except ApiException as error:
            return ApiResponse(error.status, _as_bytes(error.body))
        except (HTTPError, OSError) as error:
            raise ApiError(f"the Kubernetes API does not answer: {type(error).__name__}") from None
        return ApiResponse(answer.status, _as_bytes(answer.data))


def default_namespace() -> str:
    """The namespace of this pod, or of this person's kubeconfig; `default` where neither names one."""
    from kubernetes import config

    if _in_pod():
        return OWN_NAMESPACE.read_text().strip()
    try:
        _, active = config.list_kube_config_contexts()
    except config.ConfigException:
        return "default"
    return str(active["context"].get("namespace") or "default")


def _in_pod() -> bool:
    return OWN_NAMESPACE.exists() and "KUBECONFIG" not in os.environ


def _as_bytes(content: str | bytes | None) -> bytes:
    return content.encode() if isinstance(content, str) else content or b""
