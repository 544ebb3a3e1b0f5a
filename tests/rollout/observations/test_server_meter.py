"""Counters of real servers; pages of other programs are refused."""

import threading
import time
import timeit
from bisect import bisect_left
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from rollout.evidence import Evidence
from rollout.judge import Cohort
from rollout.observations.server_meter import ServerMeter, parse_page
from rollout.sources import SourceError
from serving.call import MIRROR, REPLAY, Call
from serving.exposition import render
from serving.metrics import SECONDS, Metrics
from tests.rollout.observations.pages import dripping, program
from tests.services.processes import free_port, running
from tests.serving.conftest import COMMAND, Online, Served, environ, match

MODEL = "match-outcome"
INFER = f"/v2/models/{MODEL}/infer"
GOOD, GAPS, BAD = match(), match(home="BOU"), match(home="NOBODY")
CLOSED = "http://127.0.0.1:1"


def ask(url: str, *requests: object) -> None:
    with httpx.Client(base_url=url, timeout=10) as client:
        for request in requests:
            client.post(INFER, json=request)


def increase(before: Cohort, now: Cohort) -> dict[str, int]:
    after = Evidence(1.0, {"it": before}).add_counts({"it": now}, {}).stable
    return {
        "requests": after.requests,
        "errors": sum(after.errors.values()),
        "incomplete": after.incomplete,
        "latencies": after.latency.total if after.latency else 0,
    }


def test_a_real_server_is_read(served: Served) -> None:
    meter = ServerMeter()
    [before] = meter.read(MODEL, "12", [served.url]).values()
    ask(served.url, GOOD, GOOD, GAPS, BAD, BAD)
    [now] = meter.read(MODEL, "12", [served.url]).values()
    assert increase(before, now) == {"requests": 5, "errors": 2, "incomplete": 1, "latencies": 5}
    assert now.errors["bad_request"] - before.errors["bad_request"] == 2
    assert now.latency is not None
    assert now.latency.bounds == SECONDS


def test_a_version_that_a_server_does_not_serve_has_no_counts(served: Served) -> None:
    meter = ServerMeter()
    assert meter.read(MODEL, "13", [served.url]) == {served.url: Cohort()}
    assert meter.read("player-points", "12", [served.url + "/"]) == {served.url + "/": Cohort()}
    assert meter.read(MODEL, "12", []) == {}


def test_servers_that_do_not_answer_are_left_out(served: Served) -> None:
    with program(lambda path, body: (200, b"# TYPE go_goroutines gauge\ngo_goroutines 7\n")) as foreign:
        read = ServerMeter().read(MODEL, "12", [CLOSED, served.url, foreign, "nonsense"])
    assert list(read) == [served.url]


@pytest.mark.parametrize(
    ("status", "page", "reason"),
    [
        (200, b"", "no model server, or one of another release"),
        (200, b"<html>hello</html>", "no model server, or one of another release"),
        (200, b"\xff\x00" * 400, "no model server, or one of another release"),
        (404, b"nothing here", "answers 404"),
        (302, b"", "answers 302"),
    ],
)
def test_a_program_that_is_no_model_server_is_an_error(status: int, page: bytes, reason: str) -> None:
    with program(lambda path, body: (status, page)) as url, pytest.raises(SourceError) as told:
        ServerMeter().read(MODEL, "12", [url, CLOSED])
    assert url in str(told.value)
    assert reason in str(told.value)
    assert f"{CLOSED}: does not answer" in str(told.value)
    assert "\n" not in str(told.value)


@pytest.fixture
def page(tmp_path: Path) -> str:
    """A page of a server with three versions and two variants, all of which have counted."""
    with ExitStack() as stack:
        for variant in ("stable", "canary"):
            counted = Metrics(tmp_path, variant)
            stack.callback(counted.close)
            for version in ("1", "12", "2"):
                for number in range(int(version)):
                    counted.series(MODEL, version).count_request(Call(), 0.0007 * (number + 1), 200 if number else 503)
                    counted.series(MODEL, version).count_answer(1, number % 2, None, degraded=number == 5)
        return render(counted, "text/plain")[0].decode()


def test_a_server_that_hangs_or_never_ends_its_page_costs_its_timeout_and_no_more(page: str) -> None:
    read = threading.Event()

    def hang(path: str, body: bytes) -> tuple[int, bytes]:
        read.wait(60)
        return 200, page.encode()

    with program(hang) as hanging, dripping() as endless, program(lambda path, body: (200, page.encode())) as healthy:
        found = ServerMeter(seconds=2.0).read(MODEL, "12", [hanging, endless, healthy])
        read.set()
    assert list(found) == [healthy]


def test_variants_are_summed_and_versions_are_not(page: str) -> None:
    for version in ("1", "12", "2"):
        read = parse_page(page, MODEL, version)
        assert read.requests == 2 * int(version)
        assert read.errors["service_unavailable"] == read.failed == 2
        assert read.incomplete == 2 * (int(version) // 2)
        assert read.degraded == (2 if version == "12" else 0)
        assert read.latency is not None
        assert read.latency.total == read.requests
        assert read.latency.counts[bisect_left(SECONDS, 0.0007)] == 2


def test_copies_count_only_where_they_are_asked_for_and_replayed_requests_never(tmp_path: Path) -> None:
    counted = Metrics(tmp_path, "canary")
    for variant, requests in (("", 3), (MIRROR, 40), (REPLAY, 500)):
        for _ in range(requests):
            counted.series(MODEL, "2", variant).count_request(Call(), 0.001, 200)
    text = render(counted, "text/plain")[0].decode()
    counted.close()
    found = [parse_page(text, MODEL, "2", mirrored) for mirrored in (False, True)]
    assert [each.requests for each in found] == [3, 43]
    assert [each.latency and each.latency.total for each in found] == [3, 43]


def test_a_page_is_read_at_a_fraction_of_the_cost_of_parsing_it_whole(page: str) -> None:
    def parse_whole() -> None:
        for family in text_string_to_metric_families(page):
            list(family.samples)

    def cost(parse: Callable[[], object]) -> float:
        return min(timeit.repeat(parse, timer=time.process_time, number=1, repeat=10))

    assert len(page.splitlines()) > 500
    assert cost(lambda: parse_page(page, MODEL, "12")) < cost(parse_whole) / 3


def test_labels_are_read_as_they_were_written(page: str) -> None:
    odd = 'a "model" of \\ {braces}, n\\n'
    written = odd.replace("\\", "\\\\").replace('"', '\\"')
    told = page.replace(f'model="{MODEL}"', f'model="{written}"')
    assert parse_page(told, odd, "12") == parse_page(page, MODEL, "12")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('le="+Inf"', 'le="9"', r"does not end at \+Inf"),
        ('le="0.25"', 'le="NaN"', r"does not end at \+Inf"),
        ('"} 12.0', '" 12.0', "cannot be read"),
        (" 12.0", " -3.0", "which is no count"),
        (" 12.0", " NaN", "which is no count"),
        (" 12.0", " +Inf", "which is no count"),
        (" 12.0", " many", "cannot be read"),
        ("matchday_serving_incomplete_total", "matchday_serving_gaps_total", "of another release"),
        ("matchday_serving_latency_seconds", "matchday_serving_time_seconds", "of another release"),
    ],
)
def test_a_damaged_page_is_not_counted(page: str, old: str, new: str, reason: str) -> None:
    assert old in page
    with pytest.raises(ValueError, match=reason):
        parse_page(page.replace(old, new), MODEL, "12")


def test_counting_goes_on_after_a_server_restarts(online: Online, bundle: Path, tmp_path: Path) -> None:
    port, meter = free_port(), ServerMeter()
    url = f"http://127.0.0.1:{port}"
    settings = environ(tmp_path / "home", bundle, online.path, port)
    with running(COMMAND, port, settings):
        ask(url, *[GOOD] * 7)
        evidence = Evidence(1.0, seen=meter.read(MODEL, "12", [url]))
        ask(url, *[GOOD] * 5)
        evidence = evidence.add_counts({}, meter.read(MODEL, "12", [url]))
        assert evidence.canary.requests == 5
    with pytest.raises(SourceError, match="does not answer"):
        meter.read(MODEL, "12", [url])
    with running(COMMAND, port, settings):
        ask(url, GOOD, BAD, GAPS)
        evidence = Evidence.from_text(evidence.to_text()).add_counts({}, meter.read(MODEL, "12", [url]))
    canary = evidence.canary
    assert (canary.requests, canary.failed, canary.incomplete) == (8, 1, 1)
    assert canary.latency is not None
    assert canary.latency.total == 8
