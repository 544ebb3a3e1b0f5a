"""A server of KServe's SDK that knows nothing of Matchday: errors and durations, from its page and from Prometheus."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from rollout.evidence import Evidence
from rollout.judge import JudgeLimits, Verdict, judge
from rollout.kubernetes.splitters.server_probe import ServerProbe
from rollout.observations.panel import PanelReplay
from rollout.observations.prometheus import PrometheusClient
from rollout.observations.prometheus_meter import PrometheusMeter
from rollout.observations.server_meter import ServerMeter
from rollout.sources import Meter, SourceError
from rollout.splitter import Endpoints
from tests import waiting
from tests.services.kserve_model import NAME
from tests.services.processes import free_port, running
from tests.services.prometheus import prometheus_server

pytestmark = pytest.mark.services

SERVER = Path(__file__).with_name("kserve_model.py")


@dataclass
class Adders:
    """Two servers: one of the stable version, one of the candidate's."""

    stable: str
    canary: str
    prometheus: PrometheusMeter

    def read(self, meter: Meter, evidence: Evidence) -> Evidence:
        counters = [meter.read(NAME, version, [url]) for version, url in (("v1", self.stable), ("v2", self.canary))]
        if evidence.opened is None:
            return evidence.open_window(1.0, {**counters[0], **counters[1]})
        return evidence.add_counts(*counters)


@pytest.fixture(scope="module")
def adders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Adders]:
    ports = free_port(), free_port()
    commands = [[sys.executable, str(SERVER), str(port)] for port in ports]
    with running(commands[0], ports[0], os.environ), running(commands[1], ports[1], os.environ):
        addresses = [f"127.0.0.1:{port}" for port in ports]
        folder = tmp_path_factory.mktemp("prometheus")
        with prometheus_server(folder, {"pods": addresses, "again": addresses}, {"namespace": "sums"}) as prometheus:
            meter = PrometheusMeter(PrometheusClient(prometheus.url), {"namespace": "sums"})
            yield Adders(f"http://{addresses[0]}", f"http://{addresses[1]}", meter)


def ask(url: str, *sums: float) -> list[int]:
    """Status of a request for each of these sums."""
    one_each = httpx.Limits(max_keepalive_connections=0)  # the SDK closes a connection after an error
    with httpx.Client(base_url=url, timeout=30, limits=one_each) as client:
        return [client.post(f"/v2/models/{NAME}/infer", json=_body(value)).status_code for value in sums]


def _body(value: float) -> dict[str, object]:
    return {"inputs": [{"name": "values", "shape": [1, 2], "datatype": "FP32", "data": [value, 0.0]}]}


def settle(reached: Callable[[], bool]) -> None:
    """Wait for Prometheus to have scraped so much."""

    def scraped() -> bool:
        with suppress(SourceError):
            return reached()
        return False

    waiting.eventually(scraped)


def test_errors_and_durations_are_those_of_the_requests(adders: Adders) -> None:
    direct = ServerMeter()
    settle(lambda: adders.read(adders.prometheus, Evidence()).opened is not None)
    page, scraped = adders.read(direct, Evidence()), adders.read(adders.prometheus, Evidence())
    assert ask(adders.stable, *[1.0] * 20) == [200] * 20
    assert ask(adders.canary, *[1.0] * 12, *[-1.0] * 5, *[200.0] * 3) == [200] * 12 + [500] * 5 + [200] * 3
    page = adders.read(direct, page)
    assert (page.stable.requests, page.stable.failed) == (20, 0)
    assert (page.canary.requests, page.canary.failed) == (20, 5)
    assert page.canary.latency is not None and page.stable.latency is not None
    slow = [bound for bound in page.canary.latency.bounds if bound <= 0.05]
    assert sum(page.canary.latency.counts[len(slow) :]) >= 3, "three took 60 ms"
    assert page.canary.latency.total == 20
    settle(lambda: adders.read(adders.prometheus, scraped).canary.requests == 20)
    settle(lambda: adders.read(adders.prometheus, scraped).stable.requests == 20)
    same = adders.read(adders.prometheus, scraped)
    assert (same.stable, same.canary) == (page.stable, page.canary)


def test_a_candidate_that_fails_is_failed_by_them(adders: Adders) -> None:
    meter = ServerMeter()
    seen = adders.read(meter, Evidence())
    for _ in range(4):
        ask(adders.stable, *[1.0] * 50)
        ask(adders.canary, *[1.0] * 20, *[-1.0] * 30)
        seen = adders.read(meter, seen)
    found = judge(seen.observation(), JudgeLimits(), checks=("errors",))
    assert (seen.canary.requests, seen.canary.failed) == (200, 120)
    assert found.verdict is Verdict.FAIL and "60.00%" in found.reason


def test_a_server_without_requests_counts_zero_and_another_model_nothing(adders: Adders) -> None:
    [cohort] = ServerMeter().read("another", "v1", [adders.stable]).values()
    assert (cohort.requests, cohort.failed, cohort.latency) == (0, 0, None)
    settle(lambda: len(adders.prometheus.read("another", "v1", [adders.stable])) == 1)
    [cohort] = adders.prometheus.read("another", "v1", [adders.stable]).values()
    assert (cohort.requests, cohort.latency) == (0, None)


def test_a_server_that_nobody_scrapes_is_not_zero(adders: Adders) -> None:
    with pytest.raises(SourceError, match="does it scrape it"):
        adders.prometheus.read(NAME, "v1", ["http://127.0.0.1:1"])


def test_it_says_that_it_is_ready_for_any_version(adders: Adders) -> None:
    assert ServerProbe().is_ready(adders.stable, NAME, "v1")
    assert not ServerProbe().is_ready(adders.stable, "another", "v1")


def test_a_panel_is_answered_row_by_row(adders: Adders) -> None:
    body = {"name": "values", "shape": [3, 2], "datatype": "FP32", "data": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]}
    endpoints = Endpoints([adders.stable], [adders.canary])
    found = PanelReplay(60.0).pairs(NAME, endpoints, ({"inputs": [body]}, _body(7.0)))
    assert found.stable.tolist() == found.canary.tolist() == [[3.0], [7.0], [11.0], [7.0]]
    with pytest.raises(SourceError, match="does not answer request 1 of the panel"):
        PanelReplay(60.0).pairs(NAME, endpoints, (_body(1.0), _body(-1.0)))
