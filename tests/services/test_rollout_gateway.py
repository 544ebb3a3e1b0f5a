"""Failed requests that a gateway counts by endpoint reach a rollout through a real Prometheus, each to its version."""

import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from rollout.evidence import Evidence
from rollout.observations.gateway_meter import ERRORS, GatewayMeter, selector
from rollout.observations.prometheus import PrometheusClient
from rollout.sources import SourceError
from tests import waiting
from tests.rollout.observations.pages import program
from tests.services.endpoint_envoy import endpoint_envoy
from tests.services.processes import free_port
from tests.services.prometheus import prometheus_server

SERVICE = "match-outcome"
RULE = "httproute/football/match-outcome-public/rule/1"
STABLE, CANARY = ("http://10.0.0.1:8080", "http://10.0.0.2:8080"), ("http://10.0.0.9:8080",)


class GatewayPage:
    """Page of one Envoy, as Envoy 1.40 writes it with `per_endpoint_stats`.

    errors: failed requests by cluster and address.
    """

    def __init__(self, **errors: int) -> None:
        self.errors = {(RULE, f"{name.replace('_', '.').strip('a')}:8080"): count for name, count in errors.items()}
        self._lock = threading.Lock()

    def set(self, address: str, count: int, cluster: str = RULE) -> None:
        with self._lock:
            self.errors[cluster, address] = count

    def text(self) -> bytes:
        with self._lock:
            labelled = {
                f'{{envoy_cluster_name="{cluster}",envoy_endpoint_address="{address}"}}': count
                for (cluster, address), count in self.errors.items()
            }
        lines = ["# TYPE envoy_cluster_upstream_rq_xx counter"]
        lines += [
            f'envoy_cluster_upstream_rq_xx{{envoy_response_code_class="5",envoy_cluster_name="{RULE}"}} '
            f"{sum(labelled.values())}"
        ]
        for name, factor in (("rq_error", 1), ("rq_success", 1000), ("rq_timeout", 0)):
            lines.append(f"# TYPE envoy_cluster_endpoint_{name} counter")
            lines += [f"envoy_cluster_endpoint_{name}{labels} {factor * count}" for labels, count in labelled.items()]
        return ("\n".join(lines) + "\n").encode()

    def samples(self, instance: str = "envoy:19001", **more: str) -> list[tuple[dict[str, str], float]]:
        """What Prometheus answers for `ERRORS`."""
        labels = {"__name__": ERRORS, "instance": instance, **more}
        return [
            ({**labels, "envoy_cluster_name": cluster, "envoy_endpoint_address": address}, float(count))
            for (cluster, address), count in self.errors.items()
        ]


@pytest.fixture
def page() -> GatewayPage:
    return GatewayPage(a10_0_0_1=100, a10_0_0_2=7, a10_0_0_9=3)


def meter_of(*pages: GatewayPage, **more: str) -> GatewayMeter:
    """A meter over Envoys without a Prometheus."""

    def ask(query: str) -> Sequence[tuple[dict[str, str], float]]:
        assert query.startswith(ERRORS)
        return [sample for number, page in enumerate(pages) for sample in page.samples(f"envoy-{number}", **more)]

    return GatewayMeter(ask)


def both(meter: GatewayMeter, canary: Sequence[str] = CANARY) -> tuple[int, int]:
    """Failures of both versions so far."""
    return meter.failures(SERVICE, "1", STABLE), meter.failures(SERVICE, "2", canary)


@pytest.mark.services
def test_each_version_has_the_failures_of_its_own_pods_in_one_cluster_of_envoys(
    tmp_path: Path, page: GatewayPage
) -> None:
    with program(lambda path, body: (200, page.text())) as url:
        address = url.removeprefix("http://")
        with prometheus_server(tmp_path, {"pods": [address], "services": [address]}) as prometheus:
            meter = GatewayMeter(PrometheusClient(prometheus.url).query)
            eventually(lambda: both(meter) == (0, 0))
            page.set("10.0.0.2:8080", 9)
            page.set("10.0.0.9:8080", 43)
            page.set("10.9.9.9:8080", 1000)
            eventually(lambda: both(meter) == (2, 40))
            page.set("10.0.0.9:8080", 1)  # the gateway was started again
            eventually(lambda: both(meter) == (2, 41))
            with pytest.raises(SourceError, match="enablePerEndpointStats"):
                meter.failures("another", "1", ["http://10.0.0.77:8080"])
        with pytest.raises(SourceError, match="does not answer"):
            both(meter)


@pytest.mark.services
def test_a_real_envoy_counts_each_backend_of_a_cluster_whatever_goes_wrong(tmp_path: Path) -> None:
    """5xx, resets, timeouts and connections that nobody takes, by the address of a backend: the page is Envoy's own."""
    released = threading.Event()

    def hang(path: str, body: bytes) -> tuple[int, bytes]:
        released.wait(60)
        raise ConnectionError

    def reset(path: str, body: bytes) -> tuple[int, bytes]:
        raise ConnectionError

    answers = [lambda path, body: (200, b""), lambda path, body: (404, b""), lambda path, body: (503, b""), reset, hang]
    with ExitStack() as stack:
        urls = [stack.enter_context(program(each)) for each in answers]
        stack.callback(released.set)
        ports = [*(int(url.rpartition(":")[2]) for url in urls), free_port()]
        envoy = stack.enter_context(endpoint_envoy(tmp_path, RULE, ports, seconds=0.5))
        with httpx.Client(timeout=60.0) as client:
            statuses = [client.get(envoy.url).status_code for _ in range(3 * len(ports))]
        assert [sum(status == each for status in statuses) for each in (200, 404)] == [3, 3]
        text = httpx.get(f"{envoy.admin}/stats/prometheus").text
    found = {
        int(sample.labels["envoy_endpoint_address"].rpartition(":")[2]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name.removesuffix("_total") == ERRORS and sample.labels["envoy_cluster_name"] == RULE
    }
    assert [found[port] for port in ports] == [0, 0, 3, 3, 3, 3]


def eventually(reached: Callable[[], bool]) -> None:
    def answered() -> bool:
        with suppress(SourceError):
            return reached()
        return False

    waiting.eventually(answered, 30.0)


def test_a_pod_that_crashes_is_counted_while_it_is_not_ready(page: GatewayPage) -> None:
    meter = meter_of(page)
    assert both(meter) == (0, 0)
    page.set("10.0.0.9:8080", 33)
    assert both(meter, canary=()) == (0, 30)


def test_what_an_address_counted_for_another_pod_is_not_counted(page: GatewayPage) -> None:
    meter = meter_of(page)
    assert both(meter) == (0, 0)
    page.set("10.0.0.5:8080", 500)
    assert both(meter, canary=(*CANARY, "http://10.0.0.5:8080")) == (0, 0)
    page.set("10.0.0.5:8080", 504)
    assert both(meter) == (0, 4)
    page.set("10.0.0.9:8080", 9)
    assert meter.failures(SERVICE, "1", (*STABLE, *CANARY)) == 0
    page.set("10.0.0.9:8080", 19)
    assert (meter.failures(SERVICE, "1", STABLE), meter.failures(SERVICE, "2", ())) == (10, 4)


def test_pods_that_are_gone_lower_no_total(page: GatewayPage) -> None:
    meter = meter_of(page)
    both(meter)
    page.set("10.0.0.9:8080", 13)
    assert both(meter) == (0, 10)
    gone = page.errors.pop((RULE, "10.0.0.9:8080"))
    assert both(meter) == (0, 10)
    page.errors[RULE, "10.0.0.9:8080"] = gone
    assert both(meter) == (0, 10)


def test_rules_gateways_and_jobs_are_summed_each_once(page: GatewayPage) -> None:
    other = GatewayPage(a10_0_0_1=1, a10_0_0_9=1)
    meter = meter_of(page, other)
    assert both(meter) == (0, 0)
    page.set("10.0.0.9:8081", 5, RULE.replace("rule/1", "rule/0"))
    other.set("10.0.0.9:8080", 3)
    assert both(meter) == (0, 7)
    twice = GatewayMeter(lambda query: [*page.samples(job="pods"), *page.samples(job="services")])
    assert both(twice) == (0, 0)
    page.set("10.0.0.9:8080", 4)
    assert both(twice) == (0, 1)


def test_another_operator_begins_at_zero_and_nothing_is_counted_twice(page: GatewayPage) -> None:
    first, evidence = meter_of(page), Evidence(1.0)
    evidence = evidence.add_failures(*both(first))
    page.set("10.0.0.9:8080", 23)
    evidence = evidence.add_failures(*both(first))
    second = meter_of(page)
    evidence = evidence.add_failures(*both(second))
    page.set("10.0.0.9:8080", 24)
    evidence = evidence.add_failures(*both(second))
    assert evidence.gateway is not None
    assert (evidence.gateway.stable, evidence.gateway.canary) == (0, 21)


@pytest.mark.parametrize(
    ("addresses", "pattern"),
    [
        (["10.0.0.9", "10.0.0.1"], r'"\\[?(10\\.0\\.0\\.1|10\\.0\\.0\\.9)\\]?:[0-9]+"'),
        (["fd00::1"], r'"\\[?(fd00::1)\\]?:[0-9]+"'),
    ],
)
def test_only_these_addresses_are_asked_for(addresses: list[str], pattern: str) -> None:
    assert selector(addresses) == f"{ERRORS}{{envoy_endpoint_address=~{pattern}}}"


def test_addresses_of_both_families_are_known() -> None:
    page = GatewayPage()
    page.set("[fd00::1]:8080", 4)
    meter = meter_of(page)
    assert meter.failures(SERVICE, "1", ["http://[fd00::1]:8080"]) == 0
    page.set("[fd00::1]:8080", 6)
    assert meter.failures(SERVICE, "1", ["http://[fd00::1]:8080"]) == 2


def test_before_any_server_is_ready_there_is_nothing_to_ask() -> None:
    assert GatewayMeter(lambda query: pytest.fail(query)).failures(SERVICE, "2", ()) == 0
