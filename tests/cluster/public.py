"""The model's public host: requests to it, and the share that a version answers."""

import math
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from tests.cluster import forecasts
from tests.cluster.context import StageContext
from tests.cluster.shell import Failure, run
from tests.cluster.traffic import GatewayTraffic, traffic

MEASURED = 2000
"""Requests over which a share is measured."""

ERRORS = 3
"""Standard errors within which it lies."""

WEIGHT = 20
"""Percent of the requests that a candidate gets first."""

PAUSE_SECONDS = 0.01
"""Between two requests of a client: the judge passes nothing without evidence, and a 99th percentile takes some."""

KNATIVE_GATEWAY = "MATCHDAY_KNATIVE_GATEWAY"
"""Address of Knative's own gateway; without it nothing is played in Knative mode."""

WEIGHTS = "MATCHDAY_CANARY_WEIGHTS"
"""A program that is called with `on` or `off`: whether KServe's own routes carry a canary's weight."""


def host(context: StageContext) -> str:
    """The public host: of the chart's route in Standard mode, of Knative in its own."""
    if context.knative:
        url = context.kube.get("inferenceservice", forecasts.MODEL)["status"]["url"]
        return str(url).partition("://")[2]
    return f"{forecasts.MODEL}.{context.kube.namespace}.example.com"


def ask(context: StageContext) -> httpx.Response:
    """One request; 503 where nothing answers."""
    try:
        with httpx.Client(base_url=_gateway(context), timeout=10) as client:
            return client.post(forecasts.INFER, json=forecasts.BODY, headers={"Host": host(context)})
    except httpx.HTTPError:
        return httpx.Response(503)


@contextmanager
def requests(context: StageContext) -> Iterator[GatewayTraffic]:
    """Requests as long as the block takes. Raises Failure at its end when one of them failed."""
    headers = {"Host": host(context)}

    def post(client: httpx.Client) -> httpx.Response:
        return client.post(forecasts.INFER, json=forecasts.BODY, headers=headers)

    with traffic(post, _gateway(context), pause_seconds=PAUSE_SECONDS) as seen:
        yield seen
        time.sleep(5)
    if seen.failed:
        raise Failure(f"requests failed: {seen}")


def shares(seen: GatewayTraffic, version: str) -> list[str]:
    """The share of a version: where a program can switch KServe's own weights, without them and with them."""
    if not (program := os.environ.get(WEIGHTS)):
        return [f"{WEIGHT} % of the public host: {share(seen, version)}"]
    facts = []
    for way in ("off", "on"):
        run(program, way, seconds=60)
        time.sleep(3)
        facts.append(f"{WEIGHT} % with KServe's own weights {way}: {share(seen, version)}")
    return facts


def share(seen: GatewayTraffic, version: str) -> str:
    """The share that a version has of the next requests. Raises Failure when it is not what was asked for."""
    begin = len(seen.versions)
    while len(seen.versions) < begin + MEASURED:
        time.sleep(0.5)
    mine = seen.versions[begin : begin + MEASURED].count(version)
    wanted, error = MEASURED * WEIGHT / 100, math.sqrt(MEASURED * WEIGHT / 100 * (1 - WEIGHT / 100))
    if abs(mine - wanted) > ERRORS * error:
        raise Failure(
            f"{mine} of {MEASURED} requests went to version {version}, not {wanted:.0f} +- {ERRORS * error:.0f}"
        )
    return f"{mine} of {MEASURED} requests"


def _gateway(context: StageContext) -> str:
    return os.environ[KNATIVE_GATEWAY] if context.knative else context.gateway
