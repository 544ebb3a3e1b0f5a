"""Stages that ask for forecasts: through the gateway in every protocol, equal to those of one machine."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import numpy as np

from tests.cluster import forecasts
from tests.cluster.kube import Kube, is_ready
from tests.cluster.release import NAME
from tests.cluster.scene import PREDICTOR, Scene
from tests.cluster.shell import Failure

GATEWAY = ("envoy-gateway-system", "gateway.envoyproxy.io/owning-gateway-name=kserve-ingress-gateway")
TOLERANCE = 1e-6


def forecast_here(scene: Scene) -> list[str]:
    """The forecast of one machine, which the cluster's must equal."""
    scene.wanted = scene.embedded.forecast()
    rows = zip(forecasts.MATCHES, scene.wanted, strict=True)
    return [f"{home} - {away}: {row.round(4).tolist()}" for (home, away), row in rows]


def ask(scene: Scene) -> list[str]:
    """The champion through the gateway, in every protocol, equal to the forecast of one machine."""
    kube = scene.kube
    kube.until("the InferenceService Ready", lambda: is_ready(kube.get("inferenceservice", forecasts.MODEL)), 300)
    scene.gateway = scene.stack.enter_context(_gateway())
    facts = []
    with httpx.Client(base_url=scene.gateway, headers={"Host": scene.host}, timeout=20) as client:
        kube.until("an answer through the gateway", lambda: client.get("/v2/health/live").is_success, 60)
        answer = client.post(forecasts.INFER, json=forecasts.BODY)
        facts.append(_compare("V2 REST", forecasts.of_v2(answer), scene))
        facts.append(f"answered by version {answer.json()['model_version']}")
        facts.append(_compare("V1", forecasts.over_v1(client), scene))
    facts.append(_compare("KServe's REST client", forecasts.over_kserve_rest(scene.gateway, scene.host), scene))
    routed = forecasts.routes_grpc(scene.gateway, scene.host)
    facts.append(f"the gateway {'routes' if routed else 'does not route'} gRPC")
    [pod, *_] = kube.ready(PREDICTOR)
    with kube.forwarded(f"pod/{pod}", 8081) as port:
        facts.append(_compare("KServe's gRPC client, at the pod", forecasts.over_kserve_grpc(port), scene))
    return facts


def helm_test(scene: Scene) -> list[str]:
    """`helm test` makes a forecast."""
    scene.release("test", NAME, "--timeout", "180s", seconds=200)
    return ["helm test passed"]


@contextmanager
def _gateway() -> Iterator[str]:
    """The address of the gateway: as `MATCHDAY_GATEWAY` says, or by a port of this machine."""
    if address := os.environ.get("MATCHDAY_GATEWAY"):
        yield address
        return
    namespace, selector = GATEWAY
    there = Kube(namespace)
    [service] = there.get("services", "--selector", selector)["items"]
    with there.forwarded(f"service/{service['metadata']['name']}", 80) as port:
        yield f"http://127.0.0.1:{port}"


def _compare(name: str, given: np.ndarray[Any, Any], scene: Scene) -> str:
    apart = float(np.abs(given - scene.wanted).max())
    if not apart <= TOLERANCE:
        raise Failure(f"{name}: off by {apart:.1e} from the forecast of one machine: {given.tolist()}")
    return f"{name} equals the forecast of one machine ({apart:.0e} apart)"
