"""Replay with servers that answer wrongly, late or not at all: no answer is NaN, and no server is asked for ever."""

import json
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from rollout.observations.log import OWN_ID
from rollout.observations.model_client import MOST_RETRIES
from rollout.sources import SourceError
from tests.rollout.observations.pages import program
from tests.rollout.observations.test_replay import MODEL, NAMES, VECTOR, Given, endpoints, replay, row


class FakeServer:
    """A program that describes the model as the server does, and answers what a test wants."""

    def __init__(self, answer: Callable[[int], Any], classes: Sequence[str] = ("H", "D", "A")) -> None:
        self.requests: list[dict[str, Any]] = []
        self._answer = answer
        raw = {"name": "features", "datatype": "FP32", "parameters": {"mode": "raw", "columns": NAMES}}
        sides = [{"name": name, "datatype": "BYTES", "parameters": {"mode": "entity"}} for name in ("home", "away")]
        output = {"name": "probabilities", "parameters": {"columns": list(classes)}}
        self._metadata = {"name": MODEL, "versions": ["99"], "inputs": [*sides, raw], "outputs": [output]}

    def __call__(self, path: str, body: bytes) -> tuple[int, bytes]:
        if not path.endswith("/infer"):
            return 200, json.dumps(self._metadata).encode()
        request = json.loads(body)
        self.requests.append(request)
        answer = self._answer(request["inputs"][0]["shape"][0])
        return answer if isinstance(answer, tuple) else (200, json.dumps({"outputs": [{"data": answer}]}).encode())


def good(rows: int) -> list[float]:
    return [0.5, 0.25, 0.25] * rows


MANY = [row([1900.0 + number, *VECTOR[1:]]) for number in range(150)]


def test_many_rows_are_asked_a_part_at_a_time() -> None:
    one, other = FakeServer(good), FakeServer(good)
    with program(one) as stable, program(other) as canary:
        pairs = replay(Given(*MANY)).pairs(MODEL, endpoints(stable, canary), 150)
    assert [request["inputs"][0]["shape"] for request in one.requests] == [[64, 6], [64, 6], [22, 6]]
    assert one.requests == other.requests
    assert all(request["id"].startswith(OWN_ID) for request in one.requests)
    assert (pairs.stable == [0.5, 0.25, 0.25]).all() and len(pairs.stable) == 150


@pytest.mark.parametrize(
    "answer",
    [
        lambda rows: [None, "0.3", 0.2] * rows,
        lambda rows: [[0.1, True, 0.9]] * rows,
        lambda rows: [0.5, 0.5] * rows,
        lambda rows: [0.5] * (3 * rows - 1),
        lambda rows: "H",
        lambda rows: None,
        lambda rows: [float("nan"), float("inf"), 0.1] * rows,
        lambda rows: (200, b"<html>"),
        lambda rows: (200, b"[]"),
        lambda rows: (200, b'{"outputs": []}'),
        lambda rows: (500, b"no"),
        lambda rows: (503, b"no"),
        lambda rows: (404, b"no"),
        lambda rows: (599, b"no"),
    ],
)
def test_answers_that_are_none_are_nan(answer: Callable[[int], Any]) -> None:
    other = FakeServer(answer)
    with program(FakeServer(good)) as stable, program(other) as canary:
        pairs = replay(Given(*MANY)).pairs(MODEL, endpoints(stable, canary), 150)
        assert np.isfinite(pairs.stable).all()
        assert np.isnan(pairs.canary).any(axis=1).all()
        assert len(other.requests) <= 3 + MOST_RETRIES
        with pytest.raises(SourceError, match="the stable version of match-outcome answers none of 150 rows"):
            replay(Given(*MANY)).pairs(MODEL, endpoints(canary, stable), 150)


def test_answers_that_break_off_are_nan() -> None:
    def broken(rows: int) -> Any:
        raise ConnectionResetError

    with program(FakeServer(good)) as stable, program(FakeServer(broken)) as canary:
        pairs = replay(Given(row())).pairs(MODEL, endpoints(stable, canary), 9)
    assert np.isnan(pairs.canary).all()


def test_a_server_that_hangs_is_asked_once() -> None:
    replayed = threading.Event()

    def hang(rows: int) -> Any:
        replayed.wait(60)
        return good(rows)

    hanging = FakeServer(hang)
    with program(FakeServer(good)) as stable, program(hanging) as canary:
        pairs = replay(Given(*MANY), seconds=2.0).pairs(MODEL, endpoints(stable, canary), 150)
        replayed.set()
    assert np.isnan(pairs.canary).all()
    assert len(hanging.requests) == 1


def test_a_busy_server_says_nothing_about_its_version() -> None:
    with (
        program(FakeServer(good)) as stable,
        program(FakeServer(lambda rows: (429, b""))) as canary,
        pytest.raises(SourceError, match=r"has too much to do \(429\)"),
    ):
        replay(Given(row())).pairs(MODEL, endpoints(stable, canary), 9)


@pytest.mark.parametrize("metadata", [(404, b"{}"), (200, b"{}"), (200, b"[]"), (200, b"<"), (200, b'{"inputs": [7]}')])
def test_a_candidate_that_describes_nothing_is_nan_and_a_stable_one_is_told(metadata: tuple[int, bytes]) -> None:
    with program(FakeServer(good)) as whole, program(lambda path, body: metadata) as silent:
        pairs = replay(Given(*MANY)).pairs(MODEL, endpoints(whole, silent), 150)
        assert np.isfinite(pairs.stable).all() and np.isnan(pairs.canary).all()
        with pytest.raises(SourceError, match="says nothing to compare with"):
            replay(Given(*MANY)).pairs(MODEL, endpoints(silent, whole), 150)


def test_a_candidate_with_other_classes_answers_nothing() -> None:
    with (
        program(FakeServer(good)) as stable,
        program(FakeServer(lambda rows: [0.5] * rows, classes=["points"])) as canary,
    ):
        pairs = replay(Given(row())).pairs(MODEL, endpoints(stable, canary), 9)
    assert np.isnan(pairs.canary).all() and pairs.canary.shape == (1, 3)


def test_one_number_a_row_is_one_column() -> None:
    with program(FakeServer(lambda rows: [4.5] * rows, classes=())) as stable:
        pairs = replay(Given(*MANY)).pairs(MODEL, endpoints(stable, stable), 150)
    assert pairs.stable.shape == (150, 1)
    assert (pairs.stable == 4.5).all()
