"""The load generator counts every answer by its version and every failure by its reason."""

import json
from functools import partial

import pytest

from console.demo.load import LoadGenerator
from console.operations.forecasts import MatchQuestion
from tests.console.operations.test_forecasts import answering
from tests.services.processes import free_port
from tests.waiting import eventually

QUESTIONS = [MatchQuestion("ARS", "LIV", "2026-05-24T15:00:00Z")]


wait_for = partial(eventually, seconds=60.0)


def test_answers_are_counted_by_version() -> None:
    with answering(200, json.dumps({"model_version": "7"}).encode()) as (url, requests):
        load = LoadGenerator("127.0.0.1", int(url.rpartition(":")[2]), QUESTIONS, threads=1)
        with load.running():
            wait_for(lambda: load.answers["7"] >= 3)
    assert not load.failures
    assert load.requests == load.answers.total() == len(requests)
    assert requests[0][0] == "/v2/models/match-outcome/infer"


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [(500, b'{"error": "no luck"}', "500 no luck"), (200, b"{}", "KeyError"), (200, b"not JSON", "JSONDecodeError")],
)
def test_failures_are_counted_by_reason(status: int, body: bytes, reason: str) -> None:
    with answering(status, body) as (url, _):
        load = LoadGenerator("127.0.0.1", int(url.rpartition(":")[2]), QUESTIONS, threads=1)
        with load.running():
            wait_for(lambda: load.requests >= 1)
    assert not load.answers
    assert all(text.startswith(reason) for text in load.failures)


def test_a_server_that_is_not_there_is_a_failure() -> None:
    load = LoadGenerator("127.0.0.1", free_port(), QUESTIONS, threads=1)
    with load.running():
        wait_for(lambda: load.requests >= 2)
    assert set(load.failures) == {"ConnectionRefusedError: [Errno 111] Connection refused"}
