"""Envoy configuration as JSON: bootstrap with the listener, discovery files for clusters and routes.

Envoy watches the two discovery files and takes each over whole when it is renamed into place. The listener, and with it
every connection, stays.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from serving.call import MIRROR, REPLAY_HEADER
from serving.settings import ServingSettings

ROUTES, LISTENER = "split", "public"
CLUSTERS_FILE, ROUTES_FILE, BOOTSTRAP_FILE = "clusters.json", "routes.json", "envoy.json"
LOCALHOST = "127.0.0.1"

_API = "type.googleapis.com/envoy"
_HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
_PLENTY = 1_000_000
_RETRIED = "connect-failure,refused-stream,reset-before-request"
"""Only requests that have not reached a server are tried again."""


def cluster(version: str) -> str:
    """Name of a version's cluster."""
    return f"version-{version}"


def bootstrap(host: str, port: int, folder: Path, admin: Path, settings: ServingSettings) -> dict[str, Any]:
    """Configuration to start with. folder: of the discovery files and the log. admin: path of the admin socket."""
    return {
        "node": {"id": "matchday", "cluster": "matchday"},
        "admin": {"address": {"pipe": {"path": str(admin), "mode": 0o600}}},
        "dynamic_resources": {"cds_config": _watch(folder / CLUSTERS_FILE)},
        "static_resources": {"listeners": [_listener(host, port, folder, settings)]},
    }


def clusters(ports: Mapping[str, int], settings: ServingSettings) -> dict[str, Any]:
    """One cluster for each version, at its port on this machine."""
    return _response([_cluster(version, port, settings) for version, port in sorted(ports.items())])


def routes(
    weights: Mapping[str, int], settings: ServingSettings, mirrors: Mapping[str, int] | None = None
) -> dict[str, Any]:
    """One route for every request, split by weights in percent. mirrors: percent that a version gets copies of."""
    shares = [{"name": cluster(version), "weight": weight} for version, weight in sorted(weights.items())]
    everything = {
        "match": {"prefix": "/"},
        "route": {
            "weighted_clusters": {"clusters": shares},
            "timeout": _seconds(_longest(settings)),
            "retry_policy": {"retry_on": _RETRIED, "num_retries": 2},
            **_mirroring(mirrors or {}),
        },
    }
    host = {
        "name": "everyone",
        "domains": ["*"],
        "routes": [_METRICS, everything],
        "request_headers_to_remove": ["x-envoy-external-address", "x-envoy-internal", REPLAY_HEADER],
    }
    kind = f"{_API}.config.route.v3.RouteConfiguration"
    return _response([{"@type": kind, "name": ROUTES, "virtual_hosts": [host]}])


def _mirroring(mirrors: Mapping[str, int]) -> dict[str, Any]:
    """Copies of requests, with a header by which their server knows them. Envoy drops the answers."""
    mark = {
        "append": {"header": {"key": REPLAY_HEADER, "value": MIRROR}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
    }
    policies = [
        {
            "cluster": cluster(version),
            "runtime_fraction": {"default_value": {"numerator": percent, "denominator": "HUNDRED"}},
            "disable_shadow_host_suffix_append": True,
            "request_headers_mutations": [mark],
        }
        for version, percent in sorted(mirrors.items())
        if percent
    ]
    return {"request_mirror_policies": policies} if policies else {}


def weights_of(routes: Mapping[str, Any]) -> dict[str, int]:
    """Weight of each cluster in a configuration as `routes` makes it; empty for an empty one."""
    hosts = [host for each in routes.get("resources", []) for host in each["virtual_hosts"]]
    split = [each["route"]["weighted_clusters"]["clusters"] for host in hosts for each in host["routes"][1:]]
    return {share["name"]: share["weight"] for shares in split for share in shares}


def _response(resources: list[dict[str, Any]]) -> dict[str, Any]:
    """A discovery response; its version is a hash of its content."""
    content = hashlib.sha256(json.dumps(resources, sort_keys=True).encode()).hexdigest()
    return {"version_info": content[:16], "resources": resources}


_METRICS = {
    "match": {"path": "/metrics"},
    "direct_response": {
        "status": 404,
        "body": {"inline_string": "two servers answer here and each counts for itself: see matchday rollout status"},
    },
}


def _listener(host: str, port: int, folder: Path, settings: ServingSettings) -> dict[str, Any]:
    chain = {"filters": [{"name": "http", "typed_config": _http(folder, settings)}]}
    address = {"socket_address": {"address": host, "port_value": port}}
    return {"name": LISTENER, "address": address, "enable_reuse_port": False, "filter_chains": [chain]}


def _http(folder: Path, settings: ServingSettings) -> dict[str, Any]:
    router = {"@type": f"{_API}.extensions.filters.http.router.v3.Router", "suppress_envoy_headers": True}
    return {
        "@type": f"{_API}.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": LISTENER,
        "rds": {"route_config_name": ROUTES, "config_source": _watch(folder / ROUTES_FILE)},
        "http_filters": [{"name": "router", "typed_config": router}],
        "http_protocol_options": {"accept_http_10": True, "default_host_for_http_10": "matchday"},
        "server_header_transformation": "PASS_THROUGH",
        "generate_request_id": False,
        "use_remote_address": True,
        "request_headers_timeout": _seconds(settings.body_seconds),
        "stream_idle_timeout": _seconds(_longest(settings)),
        "local_reply_config": {"body_format": {"json_format": {"error": "%LOCAL_REPLY_BODY%"}}},
        "access_log": [_failure_log(folder / "access.log")],
    }


def _failure_log(file: Path) -> dict[str, Any]:
    """Access log with a JSON line for each failed request."""
    line = {
        "time": "%START_TIME%",
        "method": "%REQ(:METHOD)%",
        "path": "%REQ(:PATH)%",
        "status": "%RESPONSE_CODE%",
        "why": "%RESPONSE_CODE_DETAILS%",
        "cluster": "%UPSTREAM_CLUSTER%",
        "milliseconds": "%DURATION%",
        "traceparent": "%REQ(TRACEPARENT)%",
    }
    failed = {"status_code_filter": {"comparison": {"op": "GE", "value": _threshold(500)}}}
    odd: dict[str, Any] = {"response_flag_filter": {}}
    return {
        "name": "file",
        "filter": {"or_filter": {"filters": [failed, odd]}},
        "typed_config": {
            "@type": f"{_API}.extensions.access_loggers.file.v3.FileAccessLog",
            "path": str(file),
            "log_format": {"json_format": line},
        },
    }


def _threshold(value: int) -> dict[str, Any]:
    return {"default_value": value, "runtime_key": "matchday.unused"}


def _cluster(version: str, port: int, settings: ServingSettings) -> dict[str, Any]:
    address = {"socket_address": {"address": LOCALHOST, "port_value": port}}
    endpoint = {"lb_endpoints": [{"endpoint": {"address": address}}]}
    limits = {
        "max_connections": _PLENTY,
        "max_pending_requests": _PLENTY,
        "max_requests": _PLENTY,
        "max_retries": _PLENTY,
    }
    return {
        "@type": f"{_API}.config.cluster.v3.Cluster",
        "name": cluster(version),
        "type": "STATIC",
        "connect_timeout": "2s",
        "load_assignment": {"cluster_name": cluster(version), "endpoints": [endpoint]},
        "circuit_breakers": {"thresholds": [limits]},
        "typed_extension_protocol_options": {_HTTP_OPTIONS: _http1(settings)},
    }


def _http1(settings: ServingSettings) -> dict[str, Any]:
    """Idle connections are closed here before the server closes them, which it does after `body_seconds`."""
    return {
        "@type": f"type.googleapis.com/{_HTTP_OPTIONS}",
        "explicit_http_config": {"http_protocol_options": {}},
        "common_http_protocol_options": {"idle_timeout": _seconds(settings.body_seconds / 2)},
    }


def _watch(file: Path) -> dict[str, Any]:
    return {"resource_api_version": "V3", "path_config_source": {"path": str(file)}}


def _longest(settings: ServingSettings) -> float:
    """Seconds within which a server has answered or given up by itself."""
    return settings.body_seconds + settings.request_seconds + 5


def _seconds(value: float) -> str:
    return f"{value:.3f}s"
