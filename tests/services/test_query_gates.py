"""PromQL gates of a specification, asked of a real Prometheus that scrapes real pages."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from matchday.errors import MatchdayError
from rollout.evidence import Evidence
from rollout.judge import JudgeLimits, QueriedCounts, Verdict, judge
from rollout.observations.prometheus import PrometheusClient
from rollout.query_evidence import queried_checks
from rollout.query_gate import QueryGate
from rollout.query_reader import QueryReader
from rollout.splitter import Endpoints
from rollout.state import Phase, State
from tests import waiting
from tests.rollout.observations.pages import program
from tests.services.prometheus import PrometheusServer, prometheus_server

pytestmark = pytest.mark.services

STATE = State(phase=Phase.PROGRESSING, stable_version="1", candidate_version="2")
TIMEOUTS = QueryGate(
    name="timeouts",
    query='sum by (instance) (answers_total{version="{{version}}", code="504"})',
    total='sum by (instance) (answers_total{version="{{version}}"})',
    limit=0.01,
)


@dataclass
class Gateway:
    """A page of counters: answers by version and code."""

    answers: dict[tuple[str, str], int] = field(default_factory=dict)
    depth: float = 0.0

    def page(self, path: str, body: bytes) -> tuple[int, bytes]:
        lines = ["# TYPE answers_total counter", "# TYPE queue_depth gauge", f"queue_depth {self.depth}"]
        lines += [
            f'answers_total{{version="{version}",code="{code}"}} {count}'
            for (version, code), count in self.answers.items()
        ]
        return 200, ("\n".join(lines) + "\n").encode()

    def count(self, version: str, answered: int, late: int) -> None:
        for code, more in (("200", answered), ("504", late)):
            self.answers[version, code] = self.answers.get((version, code), 0) + more


@dataclass
class Watched:
    gateway: Gateway
    prometheus: PrometheusServer
    address: str

    def read(self, gate: QueryGate, evidence: Evidence) -> Evidence:
        endpoints = Endpoints((f"http://{self.address}",), (f"http://{self.address}",))
        reader = QueryReader([gate], PrometheusClient(self.prometheus.url), lambda: endpoints, lambda: 1.0)
        [(step, _)] = reader.steps()
        return step(STATE, evidence)

    def read_until(self, gate: QueryGate, evidence: Evidence, reached: Callable[[Evidence], bool]) -> Evidence:
        """Read again and again, as rounds do, until so much is there; what cannot be read yet has not reached it."""
        now = [evidence]

        def read() -> bool:
            with suppress(MatchdayError):
                now[0] = self.read(gate, now[0])
                return reached(now[0])
            return False

        waiting.eventually(read, 60.0)
        return now[0]


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    gateway = Gateway()
    for version in ("1", "2"):
        gateway.count(version, 1000, 30)
    with program(gateway.page) as url:
        address = url.partition("://")[2]
        with prometheus_server(tmp_path, {"gateway": [address]}) as prometheus:
            yield Watched(gateway, prometheus, address)


def counts(gate: QueryGate, evidence: Evidence) -> list[tuple[float, float]]:
    """Events and total of stable and of the candidate."""
    [check] = queried_checks([gate], evidence.queried)
    assert isinstance(check.result, QueriedCounts)
    return [(float(each.hits), float(each.n)) for each in check.result[:2]]  # type: ignore[arg-type]


def verdict_of(gate: QueryGate, evidence: Evidence) -> Verdict:
    observation = evidence.observation()
    queried = queried_checks([gate], evidence.queried)
    observation = type(observation)(queried=queried, unreadable=evidence.unreadable)
    return judge(observation, JudgeLimits(), checks=()).verdict


def test_counts_of_both_versions_are_judged_as_errors_are(watched: Watched) -> None:
    begun = watched.read_until(TIMEOUTS, Evidence(opened=1.0), lambda seen: "timeouts" in seen.queried)
    assert counts(TIMEOUTS, begun) == [(0, 0), (0, 0)]
    seen = begun
    for block in range(1, 6):
        watched.gateway.count("1", 398, 2)
        watched.gateway.count("2", 398, 2)
        seen = watched.read_until(
            TIMEOUTS, seen, lambda seen, block=block: counts(TIMEOUTS, seen) == [(2 * block, 400 * block)] * 2
        )
    assert verdict_of(TIMEOUTS, seen) is Verdict.PASS
    seen = watched.read(TIMEOUTS, Evidence(opened=1.0))
    for block in range(1, 6):
        watched.gateway.count("1", 398, 2)
        watched.gateway.count("2", 320, 80)
        seen = watched.read_until(
            TIMEOUTS,
            seen,
            lambda seen, block=block: counts(TIMEOUTS, seen) == [(2 * block, 400 * block), (80 * block, 400 * block)],
        )
    assert verdict_of(TIMEOUTS, seen) is Verdict.FAIL


def test_a_missing_series_is_not_read_as_zero(watched: Watched) -> None:
    gate = TIMEOUTS.model_copy(update={"query": TIMEOUTS.query.replace("504", "505")})
    watched.read_until(TIMEOUTS, Evidence(opened=1.0), lambda seen: "timeouts" in seen.queried)
    with pytest.raises(MatchdayError, match="no series for sum by"):
        watched.read(gate, Evidence(opened=1.0))
    zero = f"{gate.query} or 0 * {gate.total}"
    read = watched.read(gate.model_copy(update={"query": zero}), Evidence(opened=1.0))
    assert read.queried["timeouts"].stable is not None


def test_versions_may_be_told_apart_by_their_servers(watched: Watched) -> None:
    by_server = 'sum by (instance) (answers_total{instance=~"{{servers}}"})'
    gate = TIMEOUTS.model_copy(update={"query": by_server, "total": by_server})
    seen = watched.read_until(gate, Evidence(opened=1.0), lambda seen: "timeouts" in seen.queried)
    assert seen.queried["timeouts"].stable is not None


def test_a_number_is_read_as_it_is_now(watched: Watched) -> None:
    gate = QueryGate(name="queue", query="max(queue_depth)", limit=5.0)
    for depth, verdict in ((4.0, Verdict.PASS), (9.0, Verdict.WAIT)):
        watched.gateway.depth = depth
        seen = watched.read_until(
            gate, Evidence(opened=1.0), lambda seen, depth=depth: seen.queried["queue"].number == depth
        )
        assert verdict_of(gate, seen) is verdict
    scalar = watched.read(gate.model_copy(update={"query": "scalar(max(queue_depth))"}), Evidence(opened=1.0))
    assert scalar.queried["queue"].number == 9.0
    none = watched.read(gate.model_copy(update={"query": "no_such_gauge"}), Evidence(opened=1.0))
    assert none.queried["queue"].number is None and verdict_of(gate, Evidence()) is Verdict.WAIT


def test_a_query_that_prometheus_refuses_and_one_that_is_down_are_told(watched: Watched) -> None:
    gate = QueryGate(name="queue", query="max(queue_depth", limit=5.0)
    with pytest.raises(MatchdayError, match="refuses to answer: invalid parameter"):
        watched.read(gate, Evidence(opened=1.0))
    watched.prometheus.stop()
    with pytest.raises(MatchdayError, match="does not answer"):
        watched.read(TIMEOUTS, Evidence(opened=1.0))
