"""Prometheus reads right metrics with several workers, when one is killed, and when both write at once."""

import multiprocessing
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.parser import text_string_to_metric_families as plain_families

from matchday.telemetry import Caller
from serving.call import FEATURES, INFERENCE, Call
from serving.cells import CounterFile
from serving.exposition import render
from serving.metrics import AGES, ROWS, SECONDS, Metrics
from tests.reference_work import cost
from tests.services.processes import free_port, running
from tests.serving.conftest import COMMAND, Online, environ, match
from tests.waiting import eventually

INFER = "/v2/models/match-outcome/infer"
OPENMETRICS = {"accept": "application/openmetrics-text; version=1.0.0"}
LABELS = {"model": "match-outcome", "version": "12", "variant": "stable"}


def families(text: str) -> dict[str, Any]:
    return {family.name: family for family in text_string_to_metric_families(text)}


def value(found: dict[str, Any], sample: str, **labels: str) -> float:
    [number] = [
        each.value
        for family in found.values()
        for each in family.samples
        if each.name == f"matchday_serving_{sample}" and labels.items() <= each.labels.items()
    ]
    return float(number)


def page(metrics: Metrics) -> dict[str, Any]:
    return families(render(metrics, OPENMETRICS["accept"])[0].decode())


@pytest.fixture
def metrics(tmp_path: Path) -> Iterator[Metrics]:
    counted = Metrics(tmp_path, "stable")
    yield counted
    counted.close()


def finish(metrics: Metrics, seconds: float, status: int = 200, call: Call | None = None) -> None:
    metrics.series("match-outcome", "12").count_request(call or Call(), seconds, status)


def test_every_observation_is_in_its_bucket(metrics: Metrics) -> None:
    for seconds in (0.0001, 0.00025, 0.0003, 7.0, 99.0):
        finish(metrics, seconds)
    found = page(metrics)
    buckets = {
        each.labels["le"]: each.value
        for each in found["matchday_serving_latency_seconds"].samples
        if each.name.endswith("_bucket") and each.labels["stage"] == "total"
    }
    assert (buckets["0.00025"], buckets["0.0005"], buckets["5.0"], buckets["10.0"], buckets["+Inf"]) == (2, 3, 3, 4, 5)
    assert value(found, "latency_seconds_sum", stage="total") == pytest.approx(106.00065)
    assert value(found, "requests_total", **LABELS) == 5
    assert SECONDS[0] == 0.00025
    assert all(list(bounds) == sorted(set(bounds)) for bounds in (SECONDS, ROWS, AGES))


def test_stages_errors_and_features_are_counted(metrics: Metrics) -> None:
    call = Call()
    call.mark(INFERENCE, call.mark(FEATURES, call.begun))
    finish(metrics, 0.001, 200, call)
    for status in (400, 429, 503, 503, 418):
        finish(metrics, 0.001, status)
    series = metrics.series("match-outcome", "12")
    series.count_answer(3, 2, 90_000.0, degraded=False)
    series.count_answer(1, 0, None, degraded=True)
    metrics.log_dropped(7)
    found = page(metrics)
    counts = {stage: value(found, "latency_seconds_count", stage=stage) for stage in ("features", "encode", "total")}
    assert counts == {"features": 1, "encode": 0, "total": 6}
    kinds = {"bad_request": 1, "too_many_requests": 1, "service_unavailable": 2, "other": 1, "conflict": 0}
    assert {kind: value(found, "errors_total", kind=kind) for kind in kinds} == kinds
    assert value(found, "missing_features_total") == 2
    assert value(found, "incomplete_total") == 1
    assert value(found, "degraded_total") == 1
    assert value(found, "log_dropped_total", variant="stable") == 7
    assert (value(found, "batch_rows_sum"), value(found, "batch_rows_count")) == (4, 2)
    assert (value(found, "feature_age_seconds_sum"), value(found, "feature_age_seconds_count")) == (90_000, 1)


def test_only_recorded_requests_are_exemplars_and_the_newest_stays(metrics: Metrics) -> None:
    finish(metrics, 0.2)
    for number in (1, 2):
        call = Call(Caller(number << 64 | 0xABC, 5, 1))
        call.sampled = True
        finish(metrics, 0.02, 200, call)
    exemplars = [
        (each.labels["le"], each.exemplar.labels["trace_id"], each.exemplar.value)
        for each in page(metrics)["matchday_serving_latency_seconds"].samples
        if each.exemplar
    ]
    assert exemplars == [("0.02", f"{2:016x}{0xABC:016x}", 0.02)]


def test_the_plain_format_is_given_to_who_knows_no_other(metrics: Metrics) -> None:
    finish(metrics, 0.02)
    body, kind = render(metrics, "text/plain;version=0.0.4")
    assert kind.startswith("text/plain; version=0.0.4")
    assert "matchday_serving_requests" in {family.name for family in plain_families(body.decode())}


def _count(folder: Path, times: int) -> None:
    counted = Metrics(folder, "stable")
    for _ in range(times):
        finish(counted, 0.001)


def test_counts_of_workers_add_up_and_outlive_them(metrics: Metrics, tmp_path: Path) -> None:
    finish(metrics, 0.001)
    context = multiprocessing.get_context("spawn")
    for _ in range(2):
        workers = [context.Process(target=_count, args=(tmp_path, 1000)) for _ in range(2)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
            assert worker.exitcode == 0
    assert value(page(metrics), "requests_total", **LABELS) == 4001
    assert len(list(tmp_path.glob("*.cells"))) <= 3


def test_a_counter_file_has_a_page_for_every_set_of_labels(tmp_path: Path) -> None:
    file = CounterFile(tmp_path)
    for number in range(20):
        file.page(("m", str(number), "stable")).numbers[0] = number
    assert {labels[1]: each.numbers[0] for labels, each in file.read()} == {str(n): n for n in range(20)}
    with pytest.raises(ValueError, match="longer than 512"):
        file.page(("m" * 600, "1", "stable"))
    file.close()


def test_an_observation_costs_no_more_than_ten_small_documents(metrics: Metrics) -> None:
    """A third of one where nothing else runs: what waits or writes to a file would cost many times that."""
    series = metrics.series("match-outcome", "12")
    call = Call()
    call.mark(INFERENCE, call.mark(FEATURES, call.begun))

    def observe() -> None:
        series.count_answer(1, 0, 3e5, degraded=False)
        series.count_request(call, 0.001, 200)

    units = cost(observe)
    print(f"observation: {units:.2f} units")
    assert units < 10


@pytest.mark.slow
def test_metrics_of_two_workers_are_one_and_never_fall(online: Online, bundle: Path, tmp_path: Path) -> None:
    port = free_port()
    with running(COMMAND, port, environ(tmp_path, bundle, online.path, port, workers="2", variant="canary")) as server:
        base = f"http://127.0.0.1:{port}"
        _ask(base, 300, 200)
        _ask(base, 20, 400, match("XXX"))
        labels = {"model": "match-outcome", "version": "12", "variant": "canary"}
        assert _scraped(base, **labels) == {320}
        first, second = _workers(server.pid)
        os.kill(first, signal.SIGKILL)
        eventually(lambda: len(alive := _workers(server.pid)) == 2 and first not in alive)
        assert second in _workers(server.pid)
        eventually(lambda: _answers(base))
        assert _scraped(base, **labels) == {320}
        _ask(base, 100, 200)
        assert _scraped(base, **labels) == {420}


def _ask(base: str, times: int, status: int, body: object = None) -> None:
    def ask(_: int) -> int:
        return httpx.post(base + INFER, json=body or match()).status_code

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(ask, range(times))) == {status}


def _answers(base: str) -> bool:
    """Whether connections are accepted, whichever worker they go to: one that has just started may not listen yet."""
    try:
        return all(httpx.get(f"{base}/v2/health/live").status_code == 200 for _ in range(20))
    except httpx.HTTPError:
        return False


def _scraped(base: str, **labels: str) -> set[float]:
    """The count of requests, as several scrapes see it: each a connection of its own, to whichever worker."""
    seen = set()
    for _ in range(8):
        answer = httpx.get(f"{base}/metrics", headers=OPENMETRICS)
        assert answer.headers["content-type"].startswith("application/openmetrics-text")
        found = families(answer.text)
        seen.add(value(found, "requests_total", **labels))
        assert value(found, "latency_seconds_count", stage="total", **labels) in seen
    return seen


def _workers(supervisor: int) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()]
