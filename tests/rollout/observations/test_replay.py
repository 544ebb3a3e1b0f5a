"""Replay with real servers: both versions answer the same rows, and what one cannot answer is NaN."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import numpy as np
import pytest

from matchday.signature import FeatureRef
from rollout.observations.log import OWN_ID, LoggedRows
from rollout.observations.model_client import BATCH_ROWS, MOST_RETRIES
from rollout.observations.pairings import Pairings
from rollout.observations.replay import RowReplay
from rollout.observations.row import ReplayRow
from rollout.observations.server_meter import ServerMeter
from rollout.sources import SourceError
from rollout.splitter import Endpoints
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
    """A source that is down."""

    def rows(self, model: str, most: int) -> Sequence[ReplayRow]:
        raise SourceError("it is down")


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


def test_pairings_are_answered_by_both_versions(stable: str, canary: str) -> None:
    pairs = replay(Pairings(TEAMS)).pairs(MODEL, endpoints(stable, canary), 200)
    assert pairs.stable.shape == pairs.canary.shape == (20, 3)
    assert np.isfinite(pairs.stable).all() and np.isfinite(pairs.canary).all()
    scores = np.log(pairs.stable) * SKEW
    np.testing.assert_allclose(pairs.canary, np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True), rtol=1e-4)


def test_a_version_gives_the_same_answers_each_time(stable: str) -> None:
    both = endpoints(stable, stable)
    first, again = (replay(Pairings(TEAMS), clock=lambda: 2e9).pairs(MODEL, both, 9) for _ in range(2))
    assert (first.stable == first.canary).all()
    assert (first.stable == again.stable).all()
    assert len(first.stable) == 9


def drain(stable: str, log: Path) -> None:
    """Wait until everything that was answered so far is in the log, which has its entries in the order of answers."""
    marker = f"marker-{uuid4().hex}"
    ask(stable, match(id=marker))
    wait_for(lambda: any(line["data"]["request_id"] == marker for line in lines(log)))


def test_logged_rows_are_replayed_with_their_logged_features(stable: str, canary: str, log: Path) -> None:
    requests = [match(home, away, kickoff="2026-06-01T15:00:00Z") for home, away in (("ARS", "LIV"), ("LIV", "ARS"))]
    drain(stable, log)
    ask(stable, *requests, *requests)
    wait_for(lambda: len(logged_after_marker(log)) == 4)
    rows = LoggedRows(file_log(log)).rows(MODEL, 2)
    assert {tuple(row.entities.values()) for row in rows} == {("ARS", "LIV"), ("LIV", "ARS")}
    before = asked(stable, "12")
    pairs = replay(Given(*rows)).pairs(MODEL, endpoints(stable, canary), 2)
    assert asked(stable, "12") == before
    vectors = np.array([list(row.features.values()) for row in rows])
    scores = np.log(probabilities(vectors))
    np.testing.assert_allclose(pairs.stable, probabilities(vectors), atol=1e-5)
    weighted = np.exp(SKEW * scores)
    np.testing.assert_allclose(pairs.canary, weighted / weighted.sum(axis=1, keepdims=True), atol=1e-5)


def logged_after_marker(log: Path) -> list[str]:
    """Ids of the requests that were logged after the last marker."""
    ids = [line["data"]["request_id"] for line in lines(log)]
    last = max(index for index, each in enumerate(ids) if each.startswith("marker-"))
    return ids[last + 1 :]


def test_requests_of_a_rollout_are_logged_and_are_no_rows(stable: str, canary: str, log: Path) -> None:
    drain(stable, log)
    before = LoggedRows(file_log(log)).rows(MODEL, 1000)
    replay(Pairings(TEAMS)).pairs(MODEL, endpoints(stable, canary), 4)
    wait_for(lambda: len(logged_after_marker(log)) == 4)
    assert all(each.startswith(OWN_ID) for each in logged_after_marker(log))
    assert LoggedRows(file_log(log)).rows(MODEL, 1000) == before


def test_a_logged_answer_counts_only_for_the_version_that_gave_it(stable: str, canary: str) -> None:
    wrong = {"H": 0.9, "D": 0.05, "A": 0.05}
    rows = [row(version="11", output=wrong), row(version="12", output=wrong), row(version="12", output={"points": 3.0})]
    pairs = replay(Given(*rows)).pairs(MODEL, endpoints(stable, canary), 9)
    right = probabilities(np.array([VECTOR]))[0]
    np.testing.assert_allclose(pairs.stable, [right, list(wrong.values()), right], atol=1e-6)
    assert (pairs.canary == pairs.canary[0]).all()


def test_rows_without_a_feature_are_asked_by_entities(stable: str, canary: str) -> None:
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


def test_a_candidate_with_other_features_is_asked_by_entities(start: Start, stable: str) -> None:
    features = [FeatureRef("home_matches", "home", "team_ratings", "matches"), *FEATURES[1:]]
    other = start("14", onnx=graph(), features=features, explainer=EXPLAINER | {"labels": {}})
    full = {"entities": {"home": "ARS", "away": "LIV"}, "version": "12", "output": {"H": 0.9, "D": 0.05, "A": 0.05}}
    pairs = replay(Given(row(**full), row())).pairs(MODEL, endpoints(stable, other), 9)
    assert len(pairs.stable) == 1
    assert pairs.stable[0, 0] != 0.9
    assert np.isfinite(pairs.canary).all()


def test_features_of_another_service_are_not_sent_although_their_names_are_the_same(start: Start, stable: str) -> None:
    """`home_elo` of `match_outcome_v1` may be another number than that of `match_outcome_v2`."""
    features = [FeatureRef("home_elo", "home", "team_ratings", "matches"), *FEATURES[1:]]
    second = {"features": features, "feature_service": "match_outcome_v2"}
    other = start("25", onnx=graph(), explainer=EXPLAINER, **second)
    full = {"entities": {"home": "ARS", "away": "LIV"}, "version": "12", "output": {"H": 0.9, "D": 0.05, "A": 0.05}}
    logged = [row(**more, feature_service="match_outcome_v1") for more in (full, {})]
    pairs = replay(Given(*logged)).pairs(MODEL, endpoints(stable, other), 9)
    assert len(pairs.stable) == 1, "by its teams; the row without any is left out"
    assert pairs.stable[0, 0] != 0.9
    assert np.isfinite(pairs.canary).all()
    unsaid = replay(Given(row(**full))).pairs(MODEL, endpoints(stable, other), 9)
    assert unsaid.stable[0, 0] == pytest.approx(0.9), "logs of before do not say"


def test_a_refused_row_does_not_spoil_its_batch(stable: str, canary: str) -> None:
    pairs = replay(Pairings(("NOBODY", *TEAMS))).pairs(MODEL, endpoints(stable, canary), 200)
    unknown = np.array(["NOBODY" in each.entities.values() for each in Pairings(("NOBODY", *TEAMS)).rows(MODEL, 200)])
    assert unknown.sum() == 10
    for side in (pairs.stable, pairs.canary):
        assert (np.isnan(side).any(axis=1) == unknown).all()


def test_a_candidate_without_numbers_is_nan_and_asked_a_bounded_number_of_times(start: Start, stable: str) -> None:
    broken = start("15", onnx=skewed(float("nan")), explainer={})
    rows = [row([1900.0 + number, *VECTOR[1:]]) for number in range(200)]
    pairs = replay(Given(*rows)).pairs(MODEL, endpoints(stable, broken), 200)
    assert np.isfinite(pairs.stable).all()
    assert np.isnan(pairs.canary).all()
    assert asked(broken, "15") <= 200 / BATCH_ROWS + 1 + MOST_RETRIES


def test_a_wrong_token_says_nothing_about_a_version(stable: str, canary: str) -> None:
    with pytest.raises(SourceError, match=r"wants another token \(401\)"):
        replay(Pairings(TEAMS), token="guess").pairs(MODEL, endpoints(stable, canary), 9)


@pytest.mark.parametrize("side", ["stable", "canary"])
def test_a_server_that_cannot_be_reached_is_named_and_another_one_asked(side: str, stable: str, canary: str) -> None:
    urls = {"stable": (stable,), "canary": (canary,)}
    with pytest.raises(SourceError, match=f"{CLOSED} cannot be reached"):
        replay(Pairings(TEAMS)).pairs(MODEL, Endpoints(**(urls | {side: (CLOSED,)})), 9)
    with pytest.raises(SourceError, match="has no servers of one"):
        replay(Pairings(TEAMS)).pairs(MODEL, Endpoints(**(urls | {side: ()})), 9)
    pairs = replay(Pairings(TEAMS)).pairs(MODEL, Endpoints(**(urls | {side: (CLOSED, *urls[side])})), 9)
    assert np.isfinite(pairs.stable).all() and np.isfinite(pairs.canary).all()


def test_a_source_that_is_down_is_replaced_by_the_next(stable: str, canary: str) -> None:
    pairs = replay(Down(), Given(row()), Pairings(TEAMS)).pairs(MODEL, endpoints(stable, canary), 5)
    assert len(pairs.stable) == 5
    np.testing.assert_allclose(pairs.stable[0], probabilities(np.array([VECTOR]))[0], atol=1e-6)


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([], "nothing is logged, and there are no pairings"),
        ([ReplayRow(entities={"player": 7})], "answers none of 0 rows that both can be asked"),
        ([ReplayRow(entities={"home": "NOBODY", "away": "ARS"})], "answers none of 1 rows"),
    ],
)
def test_rows_that_no_server_can_answer_are_an_error(
    stable: str, canary: str, rows: list[ReplayRow], reason: str
) -> None:
    with pytest.raises(SourceError, match=reason):
        replay(Given(*rows)).pairs(MODEL, endpoints(stable, canary), 9)
