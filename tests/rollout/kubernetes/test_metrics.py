"""Metrics and health of the operator, read over HTTP as Prometheus and the kubelet read them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from rollout.kubernetes.health import HealthServer, Unhealthy
from rollout.kubernetes.metrics import OperatorMetrics
from rollout.state import Phase, State
from tests.rollout.kubernetes.simulation import Simulation, both_modes, simulate

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def read(text: bytes) -> Samples:
    families = text_string_to_metric_families(text.decode())
    return {(each.name, frozenset(each.labels.items())): each.value for family in families for each in family.samples}


def of(sim: Simulation, name: str, **labels: str) -> float:
    known = {} if name.endswith("_total") else {"rollout": "try", "model": "match-outcome"}
    wanted = frozenset({"service": "match-outcome", **known, **labels}.items())
    return read(sim.rounds.metrics.text())[f"matchday_rollout_{name}", wanted]


@both_modes
def test_a_rollout_is_shown_as_it_is(mode: str) -> None:
    sim = simulate(mode)
    sim.create(promotion="Manual")
    sim.until_gate()
    sim.step()
    assert of(sim, "weight") == 50
    assert of(sim, "waiting") == 1 and of(sim, "paused") == of(sim, "problem") == of(sim, "stalled") == 0
    phases = {phase: of(sim, "phase", phase=str(phase)) for phase in Phase}
    assert phases == {phase: float(phase is Phase.PROGRESSING) for phase in Phase}
    assert of(sim, "verdict", verdict="pass") == 1 and of(sim, "verdict", verdict="fail") == 0
    sim.annotate("aborted", "true")
    sim.until("RolledBack")
    assert of(sim, "phase", phase="RolledBack") == 1 and of(sim, "weight") == 0


def test_the_evidence_of_each_check_is_shown_with_labels_of_a_bounded_number() -> None:
    metrics = OperatorMetrics(lambda: True)
    findings = (
        {"check": "errors", "measure": "", "n": 500, "needed": 120, "reason": "not a label"},
        {"check": "latency", "measure": "p99", "n": 400, "needed": None},
        {"check": "latency", "measure": "p99", "n": 450, "needed": None},
    )
    metrics.observe("try", "match-outcome", "match-outcome", State(phase=Phase.PROGRESSING, findings=findings))
    known = {"rollout": "try", "service": "match-outcome", "model": "match-outcome"}
    shown = {name: value for name, value in read(metrics.text()).items() if "_evidence" in name[0]}
    assert shown == {
        ("matchday_rollout_evidence", frozenset({**known, "check": "errors", "measure": ""}.items())): 500,
        ("matchday_rollout_evidence", frozenset({**known, "check": "latency", "measure": "p99"}.items())): 450,
        ("matchday_rollout_evidence_needed", frozenset({**known, "check": "errors", "measure": ""}.items())): 120,
    }


def test_rounds_and_those_that_were_put_off_are_counted() -> None:
    sim = simulate("Standard")
    sim.create()
    for _ in range(3):
        sim.step()
    assert (of(sim, "rounds_total"), ("matchday_rollout_errors_total", ()) in read(sim.rounds.metrics.text())) == (
        3,
        False,
    )
    sim.cluster.service["spec"]["predictor"]["annotations"] = {}
    sim.cluster.service["status"] = {"deploymentMode": "Knative"}
    sim.step()
    assert of(sim, "errors_total") >= 1


def test_a_rollout_that_is_deleted_is_shown_no_more() -> None:
    sim = simulate("Standard")
    sim.create()
    sim.until("Progressing")
    sim.cluster.delete("modelrollouts", "try")
    sim.step()
    assert not [name for name, labels in read(sim.rounds.metrics.text()) if ("rollout", "try") in labels]


def test_the_lease_and_slow_rounds_are_shown() -> None:
    held, slow = [False], {"match-outcome": 31.5}
    metrics = OperatorMetrics(lambda: held[0], lambda: slow)
    assert read(metrics.text())["matchday_rollout_lease_held", frozenset()] == 0
    held[0] = True
    samples = read(metrics.text())
    assert samples["matchday_rollout_lease_held", frozenset()] == 1
    assert samples["matchday_rollout_slow_round_seconds", frozenset({("service", "match-outcome")})] == 31.5


def test_a_text_from_a_person_breaks_no_line() -> None:
    metrics = OperatorMetrics(lambda: True, dict)
    metrics.observe('a"b\n', "s", "m", State(phase=Phase.PROMOTED))
    assert (
        read(metrics.text())[
            "matchday_rollout_weight", frozenset({("rollout", 'a"b\n'), ("service", "s"), ("model", "m")})
        ]
        == 0
    )


@contextmanager
def served(check: Callable[[], dict[str, float]]) -> Iterator[str]:
    server = HealthServer(0, check, OperatorMetrics(lambda: True, dict).text)
    server.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.stop()


def test_health_and_metrics_are_answered_at_one_port() -> None:
    with served(lambda: {"secondsSinceLastPass": 0.5}) as url:
        answer = httpx.get(f"{url}/healthz", trust_env=False)
        assert (answer.status_code, answer.json()) == (200, {"secondsSinceLastPass": 0.5})
        metrics = httpx.get(f"{url}/metrics", trust_env=False)
        assert metrics.headers["content-type"].startswith("text/plain")
        assert read(metrics.content)["matchday_rollout_lease_held", frozenset()] == 1
        assert httpx.get(f"{url}/other", trust_env=False).status_code == 404
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/healthz", trust_env=False)


def test_an_unhealthy_operator_answers_500_and_why() -> None:
    def check() -> dict[str, float]:
        raise Unhealthy("no round for 130 s")

    with served(check) as url:
        answer = httpx.get(f"{url}/healthz", trust_env=False)
    assert (answer.status_code, answer.json()) == (500, {"error": "no round for 130 s"})
