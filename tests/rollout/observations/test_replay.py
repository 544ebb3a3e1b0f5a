"""Both versions answer the same rows, real servers and broken ones; what one cannot answer is NaN and no more."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from matchday.signature import FeatureRef
from rollout.observations.log import OWN_ID, LoggedRows
from rollout.observations.model_client import AT_ONCE, SECOND_LOOKS
from rollout.observations.pairings import Pairings
from rollout.observations.replay import RowReplay
from rollout.observations.row import ReplayRow
from rollout.observations.server_meter import ServerMeter
from rollout.sources import SourceError
from rollout.splitter import Endpoints
from tests.rollout.observations.pages import program
from tests.rollout.observations.test_log import file_log
from tests.services.processes import free_port, running
from tests.serving.conftest import COMMAND, EXPLAINER, FEATURES, TEAMS, Online, environ, graph, match, probabilities
from tests.serving.log.samples import lines, wait_for
from tests.serving.test_versions import made, skewed

MODEL = "match-outcome"
TOKEN = "let me in"
SKEW = 0.5
CLOSED = "http://127.0.0.1:1"
NAMES = [ref.name for ref in FEATURES]
VECTOR = [1900.5, 9.0, 7.0, 1500.0, 3.0, 2.0]

Start = Callable[..., str]


class Given:
    """Rows of a test."""

    def __init__(self, *rows: ReplayRow) -> None:
        self._rows = rows

    def rows(self, model: str, most: int) -> Sequence[ReplayRow]:
        return self._rows[:most]


class Down:
    """A source that is away."""

    def rows(self, model: str, most: int) -> Sequence[ReplayRow]:
        raise SourceError("it is away")


@pytest.fixture(scope="module")
def start(online: Online, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Starts real servers, each version once: `start(version, onnx=..., features=...)` gives its URL."""
    urls: dict[str, str] = {}
    with ExitStack() as stack:

        def start(version: str, predictions: str = "", **bundle: Any) -> str:
            if version not in urls:
                folder, port = tmp_path_factory.mktemp(f"v{version}"), free_port()
                content = made(folder / "bundle", version, **bundle)
                more = {"versions": "[]", "token": TOKEN, "predictions": predictions, "max_batch": "32"}
                settings = environ(folder / "home", content, online.path, port, **more)
                stack.enter_context(running(COMMAND, port, settings))
                urls[version] = f"http://127.0.0.1:{port}"
            return urls[version]

        yield start


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("log") / "predictions.jsonl"


@pytest.fixture
def stable(start: Start, log: Path) -> str:
    return start("12", predictions=f"file:{log}")


@pytest.fixture
def canary(start: Start) -> str:
    return start("13", onnx=skewed(SKEW))


def replay(*sources: Any, **more: Any) -> RowReplay:
    return RowReplay(sources, **({"token": TOKEN} | more))


def endpoints(stable: str, canary: str) -> Endpoints:
    return Endpoints((stable,), (canary,))


def row(vector: Sequence[float | None] = VECTOR, **more: Any) -> ReplayRow:
    return ReplayRow(features=dict(zip(NAMES, vector, strict=True)), **more)


def asked(url: str, version: str) -> int:
    return ServerMeter().read(MODEL, version, [url])[url].requests


def ask(url: str, *requests: dict[str, Any]) -> None:
    for request in requests:
        headers = {"authorization": f"Bearer {TOKEN}"}
        httpx.post(f"{url}/v2/models/{MODEL}/infer", json=request, headers=headers).raise_for_status()


def test_a_panel_is_every_pair_once_and_no_team_is_left_out() -> None:
    panel = Pairings(TEAMS)
    pairs = [(row.entities["home"], row.entities["away"]) for row in panel.rows(MODEL, 10**6)]
    assert len(pairs) == len(set(pairs)) == 20
    assert all(home != away for home, away in pairs)
    assert {home for home, _ in pairs[:5]} == {away for _, away in pairs[:5]} == set(TEAMS)
    assert panel.rows(MODEL, 7) == panel.rows(MODEL, 20)[:7]
    assert Pairings(()).rows(MODEL, 5) == Pairings(("ARS",)).rows(MODEL, 5) == []


def test_a_panel_is_answered_by_both(stable: str, canary: str) -> None:
    pairs = replay(Pairings(TEAMS)).pairs(MODEL, endpoints(stable, canary), 200)
    assert pairs.stable.shape == pairs.canary.shape == (20, 3)
    assert np.isfinite(pairs.stable).all() and np.isfinite(pairs.canary).all()
    scores = np.log(pairs.stable) * SKEW
    np.testing.assert_allclose(pairs.canary, np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True), rtol=1e-4)


def test_the_same_version_gives_the_same_answers_again_and_again(stable: str) -> None:
    both = endpoints(stable, stable)
    first, again = (replay(Pairings(TEAMS), clock=lambda: 2e9).pairs(MODEL, both, 9) for _ in range(2))
    assert (first.stable == first.canary).all()
    assert (first.stable == again.stable).all()
    assert len(first.stable) == 9


def test_what_people_asked_is_replayed_with_the_features_of_then(stable: str, canary: str, log: Path) -> None:
    source = LoggedRows(file_log(log))
    known = len(source.rows(MODEL, 1000))
    requests = [match(home, away, kickoff="2026-06-01T15:00:00Z") for home, away in (("ARS", "LIV"), ("LIV", "ARS"))]
    ask(stable, *requests, *requests)
    wait_for(lambda: len(source.rows(MODEL, 1000)) == known + 2)
    before = asked(stable, "12")
    pairs = replay(source).pairs(MODEL, endpoints(stable, canary), 2)
    assert asked(stable, "12") == before
    assert len(pairs.stable) == 2
    vectors = [list(row.features.values()) for row in source.rows(MODEL, 2)]
    scores = np.log(probabilities(np.array(vectors)))
    np.testing.assert_allclose(pairs.stable, probabilities(np.array(vectors)), atol=1e-5)
    weighted = np.exp(SKEW * scores)
    np.testing.assert_allclose(pairs.canary, weighted / weighted.sum(axis=1, keepdims=True), atol=1e-5)


def test_what_a_rollout_asks_is_logged_as_its_own(stable: str, canary: str, log: Path) -> None:
    source = LoggedRows(file_log(log))
    rows = source.rows(MODEL, 1000)
    own = sum(line["data"]["request_id"].startswith(OWN_ID) for line in lines(log))
    replay(Pairings(TEAMS)).pairs(MODEL, endpoints(stable, canary), 4)
    wait_for(lambda: sum(line["data"]["request_id"].startswith(OWN_ID) for line in lines(log)) == own + 4)
    assert source.rows(MODEL, 1000) == rows


def test_the_answer_of_another_version_does_not_count_as_the_stable_one(stable: str, canary: str) -> None:
    wrong = {"H": 0.9, "D": 0.05, "A": 0.05}
    rows = [row(version="11", output=wrong), row(version="12", output=wrong), row(version="12", output={"points": 3.0})]
    pairs = replay(Given(*rows)).pairs(MODEL, endpoints(stable, canary), 9)
    right = probabilities(np.array([VECTOR]))[0]
    np.testing.assert_allclose(pairs.stable, [right, list(wrong.values()), right], atol=1e-6)
    assert (pairs.canary == pairs.canary[0]).all()


def test_rows_that_lack_a_feature_are_asked_by_name(stable: str, canary: str) -> None:
    gap = [None, *VECTOR[1:]]
    named = {"home": "ARS", "away": "LIV"}
    answered = {"version": "12", "output": {"H": 0.9, "D": 0.05, "A": 0.05}}
    rows = [
        row(gap, entities=named, **answered),
        row(gap),
        ReplayRow(entities=named),
        ReplayRow(entities={"home": "ARS"}),
    ]
    pairs = replay(Given(*rows)).pairs(MODEL, endpoints(stable, canary), 9)
    assert len(pairs.stable) == 2
    np.testing.assert_allclose(pairs.stable[0], pairs.stable[1], atol=1e-6)


def test_a_candidate_with_other_features_is_asked_by_name(start: Start, stable: str) -> None:
    features = [FeatureRef("home_matches", "home", "team_ratings", "matches"), *FEATURES[1:]]
    other = start("14", onnx=graph(), features=features, explainer=EXPLAINER | {"labels": {}})
    full = {"entities": {"home": "ARS", "away": "LIV"}, "version": "12", "output": {"H": 0.9, "D": 0.05, "A": 0.05}}
    pairs = replay(Given(row(**full), row())).pairs(MODEL, endpoints(stable, other), 9)
    assert len(pairs.stable) == 1
    assert pairs.stable[0, 0] != 0.9
    assert np.isfinite(pairs.canary).all()


def test_a_row_that_is_refused_costs_itself_alone(stable: str, canary: str) -> None:
    pairs = replay(Pairings(("NOBODY", *TEAMS))).pairs(MODEL, endpoints(stable, canary), 200)
    unknown = np.array(["NOBODY" in each.entities.values() for each in Pairings(("NOBODY", *TEAMS)).rows(MODEL, 200)])
    assert unknown.sum() == 10
    for side in (pairs.stable, pairs.canary):
        assert (np.isnan(side).any(axis=1) == unknown).all()


def test_a_candidate_that_gives_no_number_is_nan_and_not_asked_for_ever(start: Start, stable: str) -> None:
    broken = start("15", onnx=skewed(float("nan")), explainer={})
    rows = [row([1900.0 + number, *VECTOR[1:]]) for number in range(200)]
    pairs = replay(Given(*rows)).pairs(MODEL, endpoints(stable, broken), 200)
    assert np.isfinite(pairs.stable).all()
    assert np.isnan(pairs.canary).all()
    assert asked(broken, "15") <= 200 / AT_ONCE + 1 + SECOND_LOOKS


def test_a_token_that_is_wrong_says_nothing_about_a_version(stable: str, canary: str) -> None:
    with pytest.raises(SourceError, match=r"wants another token \(401\)"):
        replay(Pairings(TEAMS), token="guess").pairs(MODEL, endpoints(stable, canary), 9)


@pytest.mark.parametrize("side", ["stable", "canary"])
def test_a_server_that_cannot_be_reached_is_told_and_another_asked(side: str, stable: str, canary: str) -> None:
    urls = {"stable": (stable,), "canary": (canary,)}
    with pytest.raises(SourceError, match=f"{CLOSED} cannot be reached"):
        replay(Pairings(TEAMS)).pairs(MODEL, Endpoints(**(urls | {side: (CLOSED,)})), 9)
    with pytest.raises(SourceError, match="has no servers of one"):
        replay(Pairings(TEAMS)).pairs(MODEL, Endpoints(**(urls | {side: ()})), 9)
    pairs = replay(Pairings(TEAMS)).pairs(MODEL, Endpoints(**(urls | {side: (CLOSED, *urls[side])})), 9)
    assert np.isfinite(pairs.stable).all() and np.isfinite(pairs.canary).all()


def test_a_source_that_is_down_leaves_the_rows_to_the_next(stable: str, canary: str) -> None:
    pairs = replay(Down(), Given(row()), Pairings(TEAMS)).pairs(MODEL, endpoints(stable, canary), 5)
    assert len(pairs.stable) == 5
    np.testing.assert_allclose(pairs.stable[0], probabilities(np.array([VECTOR]))[0], atol=1e-6)


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([], "nothing is logged, and there is no panel"),
        ([ReplayRow(entities={"player": 7})], "answers none of 0 rows that both can be asked"),
        ([ReplayRow(entities={"home": "NOBODY", "away": "ARS"})], "answers none of 1 rows"),
    ],
)
def test_rows_that_nobody_can_answer_are_told(stable: str, canary: str, rows: list[ReplayRow], reason: str) -> None:
    with pytest.raises(SourceError, match=reason):
        replay(Given(*rows)).pairs(MODEL, endpoints(stable, canary), 9)


class Fake:
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
    one, other = Fake(good), Fake(good)
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
    other = Fake(answer)
    with program(Fake(good)) as stable, program(other) as canary:
        pairs = replay(Given(*MANY)).pairs(MODEL, endpoints(stable, canary), 150)
        assert np.isfinite(pairs.stable).all()
        assert np.isnan(pairs.canary).any(axis=1).all()
        assert len(other.requests) <= 3 + SECOND_LOOKS
        with pytest.raises(SourceError, match="the stable version of match-outcome answers none of 150 rows"):
            replay(Given(*MANY)).pairs(MODEL, endpoints(canary, stable), 150)


def test_answers_that_break_off_are_nan() -> None:
    def broken(rows: int) -> Any:
        raise ConnectionResetError

    with program(Fake(good)) as stable, program(Fake(broken)) as canary:
        pairs = replay(Given(row())).pairs(MODEL, endpoints(stable, canary), 9)
    assert np.isnan(pairs.canary).all()


def test_a_server_that_hangs_is_waited_for_once() -> None:
    def slow(rows: int) -> Any:
        time.sleep(3)
        return good(rows)

    with program(Fake(good)) as stable, program(Fake(slow)) as canary:
        begun = time.monotonic()
        pairs = replay(Given(*MANY), seconds=0.5).pairs(MODEL, endpoints(stable, canary), 150)
        assert time.monotonic() - begun < 2.5
    assert np.isnan(pairs.canary).all()


def test_a_busy_server_says_nothing_about_its_version() -> None:
    with (
        program(Fake(good)) as stable,
        program(Fake(lambda rows: (429, b""))) as canary,
        pytest.raises(SourceError, match=r"has too much to do \(429\)"),
    ):
        replay(Given(row())).pairs(MODEL, endpoints(stable, canary), 9)


@pytest.mark.parametrize("metadata", [(404, b"{}"), (200, b"{}"), (200, b"[]"), (200, b"<"), (200, b'{"inputs": [7]}')])
def test_a_candidate_that_describes_nothing_is_nan_and_a_stable_one_is_told(metadata: tuple[int, bytes]) -> None:
    with program(Fake(good)) as whole, program(lambda path, body: metadata) as silent:
        pairs = replay(Given(*MANY)).pairs(MODEL, endpoints(whole, silent), 150)
        assert np.isfinite(pairs.stable).all() and np.isnan(pairs.canary).all()
        with pytest.raises(SourceError, match="says nothing to compare with"):
            replay(Given(*MANY)).pairs(MODEL, endpoints(silent, whole), 150)


def test_a_candidate_with_other_classes_answers_nothing() -> None:
    with program(Fake(good)) as stable, program(Fake(lambda rows: [0.5] * rows, classes=["points"])) as canary:
        pairs = replay(Given(row())).pairs(MODEL, endpoints(stable, canary), 9)
    assert np.isnan(pairs.canary).all() and pairs.canary.shape == (1, 3)


def test_one_number_a_row_is_one_column() -> None:
    with program(Fake(lambda rows: [4.5] * rows, classes=())) as stable:
        pairs = replay(Given(*MANY)).pairs(MODEL, endpoints(stable, stable), 150)
    assert pairs.stable.shape == (150, 1)
    assert (pairs.stable == 4.5).all()
