"""Stages that compare forecasts through the gateway, in every protocol, with those of this machine."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import numpy as np

from tests.cluster import forecasts
from tests.cluster.context import PREDICTOR, StageContext
from tests.cluster.kube import Kube, is_ready
from tests.cluster.release import NAME
from tests.cluster.shell import Failure

GATEWAY = ("envoy-gateway-system", "gateway.envoyproxy.io/owning-gateway-name=kserve-ingress-gateway")
TOLERANCE = 1e-6


def forecast_here(context: StageContext) -> list[str]:
    """The forecast of this machine, which the cluster's must equal."""
    context.wanted = context.local.forecast()
    rows = zip(forecasts.MATCHES, context.wanted, strict=True)
    return [f"{home} - {away}: {row.round(4).tolist()}" for (home, away), row in rows]


def ask(context: StageContext) -> list[str]:
    """The champion through the gateway, in every protocol, equal to the forecast of this machine."""
    kube = context.kube
    kube.until("the InferenceService Ready", lambda: is_ready(kube.get("inferenceservice", forecasts.MODEL)), 300)
    context.gateway = context.stack.enter_context(_gateway())
    facts = []
    with httpx.Client(base_url=context.gateway, headers={"Host": context.host}, timeout=20) as client:
        kube.until("an answer through the gateway", lambda: client.get("/v2/health/live").is_success, 60)
        answer = client.post(forecasts.INFER, json=forecasts.BODY)
        facts.append(_compare("V2 REST", forecasts.of_v2(answer), context))
        facts.append(f"answered by version {answer.json()['model_version']}")
        facts.append(_compare("V1", forecasts.over_v1(client), context))
    facts.append(_compare("KServe's REST client", forecasts.over_kserve_rest(context.gateway, context.host), context))
    routed = forecasts.routes_grpc(context.gateway, context.host)
    facts.append(f"the gateway {'routes' if routed else 'does not route'} gRPC")
    [pod, *_] = kube.ready(PREDICTOR)
    with kube.forwarded(f"pod/{pod}", 8081) as port:
        facts.append(_compare("KServe's gRPC client, at the pod", forecasts.over_kserve_grpc(port), context))
    return facts


def helm_test(context: StageContext) -> list[str]:
    """`helm test` makes a forecast."""
    context.release("test", NAME, "--timeout", "180s", seconds=200)
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


def _compare(name: str, given: np.ndarray[Any, Any], context: StageContext) -> str:
    difference = float(np.abs(given - context.wanted).max())
    if not difference <= TOLERANCE:
        raise Failure(f"{name}: off by {difference:.1e} from the forecast of this machine: {given.tolist()}")
    return f"{name} equals the forecast of this machine (difference {difference:.0e})"
