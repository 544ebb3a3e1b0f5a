"""A real Envoy in front of several backends in one cluster, each of which it counts, as Envoy Gateway configures it."""

import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rollout.embedded.envoy import find_binary
from tests.services.processes import SLOW_START_SECONDS, end, free_port, wait_for_port

_API = "type.googleapis.com/envoy.extensions.filters"


@dataclass(frozen=True)
class EndpointEnvoy:
    """Base URLs of its listener and of its admin interface."""

    url: str
    admin: str


@contextmanager
def endpoint_envoy(folder: Path, cluster: str, ports: Sequence[int], seconds: float) -> Iterator[EndpointEnvoy]:
    """Run one. ports: of the backends on this machine, asked in turn. seconds: within which they must answer."""
    port, admin = free_port(), free_port()
    written = folder / "endpoint-envoy.json"
    written.write_text(json.dumps(_bootstrap(port, admin, cluster, ports, seconds)))
    command = [find_binary(), "--config-path", str(written), "--disable-hot-restart", "--concurrency", "1"]
    with (folder / "endpoint-envoy.log").open("a") as log:
        process = subprocess.Popen([*command, "--log-level", "error"], text=True, stdout=log, stderr=log)
        try:
            wait_for_port(process, port, seconds=SLOW_START_SECONDS)
            yield EndpointEnvoy(f"http://127.0.0.1:{port}", f"http://127.0.0.1:{admin}")
        finally:
            end(process)


def _bootstrap(port: int, admin: int, cluster: str, ports: Sequence[int], seconds: float) -> dict[str, Any]:
    route = {"match": {"prefix": "/"}, "route": {"cluster": cluster, "timeout": f"{seconds}s"}}
    manager = {
        "@type": f"{_API}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "public",
        "http_filters": [{"name": "router", "typed_config": {"@type": f"{_API}.http.router.v3.Router"}}],
        "route_config": {"virtual_hosts": [{"name": "everyone", "domains": ["*"], "routes": [route]}]},
    }
    endpoints = [{"endpoint": _address(each)} for each in ports]
    backends = {
        "name": cluster,
        "type": "STATIC",
        "connect_timeout": "2s",
        "track_cluster_stats": {"per_endpoint_stats": True},
        "load_assignment": {"cluster_name": cluster, "endpoints": [{"lb_endpoints": endpoints}]},
    }
    chain = {"filters": [{"name": "http", "typed_config": manager}]}
    listener = {"name": "public", **_address(port), "filter_chains": [chain]}
    return {"admin": _address(admin), "static_resources": {"clusters": [backends], "listeners": [listener]}}


def _address(port: int) -> dict[str, Any]:
    return {"address": {"socket_address": {"address": "127.0.0.1", "port_value": port}}}
