"""Counters of real servers reach a rollout through a real Prometheus, each request once."""

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from rollout.evidence import Evidence
from rollout.observations.prometheus import PrometheusClient
from rollout.observations.prometheus_meter import PrometheusMeter, selector
from rollout.observations.server_meter import ServerMeter
from rollout.sources import SourceError
from tests import waiting
from tests.rollout.observations.pages import program
from tests.rollout.observations.test_server_meter import ask
from tests.services.processes import free_port, running
from tests.services.prometheus import PrometheusServer, prometheus_server
from tests.serving.conftest import COMMAND, Online, bundle, environ, match, online  # noqa: F401

pytestmark = pytest.mark.services

MODEL = "match-outcome"
ANY = ("http://10.0.0.1:8080",)
"""Endpoints that Prometheus is not asked about: it has names of its own."""


@dataclass
class Watched:
    """A port on which a model server is started and ended, and the Prometheus that scrapes it, by two jobs."""

    port: int
    prometheus: PrometheusServer
    environ: dict[str, str]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def name(self) -> str:
        return f"127.0.0.1:{self.port} 12"

    def meter(self, **more: object) -> PrometheusMeter:
        return PrometheusMeter(PrometheusClient(self.prometheus.url), **more)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def watched(online: Online, bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:  # noqa: F811
    folder, port = tmp_path_factory.mktemp("prometheus"), free_port()
    address = f"127.0.0.1:{port}"
    jobs = {"pods": [address], "services": [address], "nobody": ["127.0.0.1:1"]}
    with prometheus_server(folder, jobs, {"namespace": "league"}) as prometheus:
        yield Watched(port, prometheus, environ(folder / "home", bundle, online.path, port))


def eventually(reached: Callable[[], bool]) -> None:
    """As `waiting.eventually`, for at most 30 s; a source that does not answer yet has not reached it."""

    def answered() -> bool:
        with suppress(SourceError):
            return reached()
        return False

    waiting.eventually(answered)


def requests(meter: PrometheusMeter) -> int:
    return sum(each.requests for each in meter.read(MODEL, "12", ANY).values())


def test_each_request_is_counted_once_also_across_a_restart(watched: Watched) -> None:
    meter = watched.meter(labels={"namespace": "league"})
    with running(COMMAND, watched.port, watched.environ):
        ask(watched.url, *[match()] * 7)
        eventually(lambda: requests(meter) == 7)
        evidence = Evidence(1.0, seen=meter.read(MODEL, "12", ANY))
        ask(watched.url, *[match()] * 5)
        eventually(lambda: requests(meter) == 12)
        evidence = evidence.add_counts(meter.read(MODEL, "12", ANY), {})
        assert evidence.stable.requests == 5
    with running(COMMAND, watched.port, watched.environ):
        ask(watched.url, match(), match(home="BOU"), match(home="NOBODY"))
        eventually(lambda: requests(meter) == 3)
        [direct] = ServerMeter().read(MODEL, "12", [watched.url]).values()
        assert meter.read(MODEL, "12", ANY) == {watched.name: direct}
        evidence = evidence.add_counts(meter.read(MODEL, "12", ANY), {})
    assert (evidence.stable.requests, evidence.stable.failed, evidence.stable.incomplete) == (8, 1, 1)
    assert evidence.stable.latency is not None
    assert evidence.stable.latency.total == 8


def test_a_server_that_is_gone_is_not_counted_for_ever(watched: Watched) -> None:
    meter = watched.meter()
    with running(COMMAND, watched.port, watched.environ):
        eventually(lambda: list(meter.read(MODEL, "12", ANY)) == [watched.name])
    eventually(lambda: "does it scrape it" in refusal(meter))


def refusal(meter: PrometheusMeter) -> str:
    """Why there is nothing to read; empty when there is."""
    try:
        meter.read(MODEL, "12", ANY)
    except SourceError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    ("version", "labels", "reason"),
    [
        ("13", {}, "has no matchday_serving_requests_total of match-outcome version 13: does it scrape it?"),
        ("12", {"namespace": "other"}, 'version 12 with {namespace="other"}: does it scrape it?'),
        ("12", {"namespace": 'a"b\\'}, 'with {namespace="a\\"b\\\\"}: does it scrape it?'),
        ("12", {"no-label": "x"}, "refuses to answer: invalid parameter"),
    ],
)
def test_what_is_not_there_is_told(watched: Watched, version: str, labels: dict[str, str], reason: str) -> None:
    with running(COMMAND, watched.port, watched.environ):
        eventually(lambda: requests(watched.meter()) >= 0)
        with pytest.raises(SourceError) as told:
            watched.meter(labels=labels).read(MODEL, version, ANY)
    assert str(told.value).startswith(f"Prometheus at {watched.prometheus.url}")
    assert reason in str(told.value)


def test_no_servers_are_not_asked_about() -> None:
    assert PrometheusMeter(PrometheusClient("http://127.0.0.1:1")).read(MODEL, "12", ()) == {}


def test_a_prometheus_that_is_down_is_told() -> None:
    with pytest.raises(SourceError, match=r"Prometheus at http://127.0.0.1:1 does not answer"):
        PrometheusMeter(PrometheusClient("http://127.0.0.1:1/")).read(MODEL, "12", ANY)


@pytest.mark.parametrize(
    "page",
    [
        b"",
        b"<html>",
        b"[]",
        b"7",
        b"{}",
        b'{"status": "success"}',
        b'{"status": "success", "data": {"result": [{"metric": {}, "value": [1, "many"]}]}}',
        b'{"status": "success", "data": {"result": [7]}}',
    ],
)
def test_a_program_that_is_no_prometheus_is_told(page: bytes) -> None:
    with program(lambda path, body: (200, page)) as url, pytest.raises(SourceError, match="not as a Prometheus does"):
        PrometheusMeter(PrometheusClient(url)).read(MODEL, "12", ANY)


def test_a_prometheus_behind_a_door_is_shown_what_it_asks_for(tmp_path: Path) -> None:
    web = tmp_path / "web.json"
    hashed = "$2b$04$k3k1WahUCTA8wnwC9x/5WuJCRFPckYRsHq.Vw6gPN3VvqSfKtN/m2"  # bcrypt of "secret"
    web.write_text(json.dumps({"basic_auth_users": {"matchday": hashed}}))
    basic = "Basic " + base64.b64encode(b"matchday:secret").decode()
    with prometheus_server(tmp_path, {}, options=(f"--web.config.file={web}",)) as prometheus:
        with pytest.raises(SourceError, match="does it scrape it"):
            PrometheusMeter(PrometheusClient(prometheus.url, headers={"authorization": basic})).read(MODEL, "12", ANY)
        with pytest.raises(SourceError, match=r"not as a Prometheus does \(401"):
            PrometheusMeter(PrometheusClient(prometheus.url, token="wrong")).read(MODEL, "12", ANY)


def test_one_query_asks_for_all_counters_of_whole_requests() -> None:
    query = selector({"model": MODEL})
    assert 'stage=~"total|"' in query
    assert query.count("matchday_serving_") == 5
