"""Copies of users' requests by a real Envoy: nobody gets the candidate's answers, and no candidate harms anybody."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from rollout.embedded import envoy_config
from rollout.embedded.envoy_statistics import EnvoyStatistics
from rollout.embedded.splitter import EnvoySplitter
from rollout.mirrored import MirroredRequests
from rollout.observations.log import open_log
from rollout.observations.mirrored import MirroredAnswers
from rollout.observations.server_meter import ServerMeter
from serving.call import REPLAY_HEADER
from serving.settings import ServingSettings
from tests.lines import whole_lines
from tests.rollout import candidates, file_rollout
from tests.rollout.conftest import RolloutHome
from tests.rollout.embedded.test_splitter import SECONDS, kill, started, wait_for, wait_for_more, workers_of
from tests.serving.conftest import match

MODEL = file_rollout.MODEL
ENOUGH = 300
"""Requests of users."""


def counted(splitter: EnvoySplitter, version: str, mirrored: bool = False) -> int:
    """Requests that a version's server has counted."""
    url = splitter.servers.url(version)
    return ServerMeter().read(MODEL, version, [url], mirrored)[url].requests


def ask(root: RolloutHome, requests: int, **headers: str) -> list[httpx.Response]:
    """Ask through Envoy, with an id for each request."""
    url = f"http://127.0.0.1:{root.port}/v2/models/{MODEL}/infer"
    with httpx.Client(timeout=SECONDS, headers=headers) as client:
        return [client.post(url, json=match() | {"id": f"r{number}"}) for number in range(requests)]


@contextmanager
def stopped(splitter: EnvoySplitter, version: str) -> Iterator[None]:
    """The workers of a version stand still within the block: they accept requests and never answer."""
    workers = workers_of(splitter, version)
    for worker in workers:
        os.kill(worker, signal.SIGSTOP)
    try:
        yield
    finally:
        for worker in workers:
            os.kill(worker, signal.SIGCONT)


@pytest.mark.services
def test_users_get_stables_answers_and_the_candidate_gets_copies(root: RolloutHome) -> None:
    splitter, load = started(root), root.load
    assert splitter.split(0, 100)
    with load.running():
        wait_for(lambda: load.requests >= ENOUGH)
    assert set(load.answers) == {"1"} and not load.failures
    wait_for(lambda: counted(splitter, "2", mirrored=True) >= load.requests)
    assert counted(splitter, "2", mirrored=True) == counted(splitter, "1") == load.requests
    assert counted(splitter, "2") == 0, "copies are nobody's requests"
    assert splitter.split(0)
    before = counted(splitter, "2", mirrored=True)
    assert {answer.json()["model_version"] for answer in ask(root, 20)} == {"1"}
    assert counted(splitter, "2", mirrored=True) == before


@pytest.mark.services
def test_a_share_of_the_requests_is_copied_and_whatever_follows_ends_that(root: RolloutHome) -> None:
    splitter, load = started(root), root.load
    assert splitter.split(0, 30)
    with load.running():
        wait_for(lambda: load.requests >= ENOUGH)
        wait_for(lambda: 0 < counted(splitter, "2", mirrored=True) < load.requests)
        assert splitter.split(40)
        wait_for(lambda: load.answers["2"] > 50)
        assert "request_mirror_policies" not in (root.service / envoy_config.ROUTES_FILE).read_text()
        assert splitter.split(0, 100)
        assert splitter.roll_back("1")
        wait_for_more(load, 50)
    assert "request_mirror_policies" not in (root.service / envoy_config.ROUTES_FILE).read_text()
    assert not load.failures


@pytest.mark.services
def test_a_process_that_resumes_finds_the_copies_and_ends_them(root: RolloutHome) -> None:
    started(root).split(0, 100)
    other = root.splitter
    routes = (root.service / envoy_config.ROUTES_FILE).read_text()
    assert other.split(0, 100)
    assert (root.service / envoy_config.ROUTES_FILE).read_text() == routes
    assert other.split(0)
    assert "request_mirror_policies" not in (root.service / envoy_config.ROUTES_FILE).read_text()


@pytest.mark.slow
@pytest.mark.services
@pytest.mark.parametrize("harm", ["fails", "hangs", "is gone"])
def test_a_bad_candidate_harms_no_user_and_is_seen(
    root: RolloutHome, monkeypatch: pytest.MonkeyPatch, harm: str
) -> None:
    for name in ("BODY_SECONDS", "REQUEST_SECONDS"):
        monkeypatch.setenv(f"MATCHDAY_SERVING_{name}", "1")
    (candidates.fails_on_arsenal if harm == "fails" else candidates.good)(root.folder, "2")
    splitter = started(root)
    load, meter, gateway = root.load, ServerMeter(), EnvoyStatistics(splitter.envoy)

    def read(seen: MirroredRequests) -> MirroredRequests:
        seen = seen.add_failures(*(gateway.failures("", version, ()) for version in ("1", "2")))
        known = [] if harm != "fails" else list(splitter.endpoints().canary)
        return seen.add(
            meter.read(MODEL, "1", splitter.endpoints().stable), meter.read(MODEL, "2", known, mirrored=True), 0
        )

    seen = read(MirroredRequests())
    assert splitter.split(0, 100)
    if harm == "is gone":
        kill(splitter, "2")
    with load.running():
        if harm == "hangs":
            with stopped(splitter, "2"):
                wait_for(lambda: load.requests >= ENOUGH and gateway.failures("", "2", ()) >= 10)
        wait_for(lambda: load.requests >= ENOUGH and read(seen).cohorts().canary.failed >= 10)
    assert set(load.answers) == {"1"} and not load.failures
    found = read(seen).cohorts()
    assert (found.stable.failed, found.stable.requests) == (0, load.requests)
    assert found.canary.failed >= 10
    assert gateway.failures("", "1", ()) == 0


@pytest.mark.services
def test_the_log_marks_copies_and_pairs_answers_by_the_requests_id(
    root: RolloutHome, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    log = tmp_path / "predictions.jsonl"
    monkeypatch.setenv("MATCHDAY_SERVING_PREDICTIONS", f"file:{log}")
    candidates.swaps_sides(root.folder, "2")
    splitter = started(root)
    assert splitter.split(0, 100)
    assert {answer.json()["model_version"] for answer in ask(root, 30)} == {"1"}
    reader = open_log(f"file:{log}")
    assert reader is not None
    wait_for(lambda: len(reader.since(None, 1000)[0]) >= 60)
    written = [json.loads(line)["data"] for line in whole_lines(log)]
    assert {(each["version"], each["variant"]) for each in written} == {("1", "stable"), ("2", "mirror")}
    pairs = MirroredAnswers(reader).pairs(MODEL, "1", "2")
    assert pairs is not None
    assert pairs.stable.shape == (1, 3), "one question, however often it is asked"
    assert abs(pairs.stable - pairs.canary).max() > 0.05


@pytest.mark.services
def test_a_user_cannot_have_a_request_counted_as_a_copy(root: RolloutHome) -> None:
    splitter = started(root)
    for value in ("mirror", "1"):
        assert [answer.status_code for answer in ask(root, 5, **{REPLAY_HEADER: value})] == [200] * 5
    assert counted(splitter, "1") == 10


def test_a_configuration_without_copies_is_as_before() -> None:
    settings, weights = ServingSettings(), {"1": 100, "2": 0}
    plain = envoy_config.routes(weights, settings)
    assert envoy_config.routes(weights, settings, {"2": 0}) == plain
    copying = envoy_config.routes(weights, settings, {"2": 25})
    assert copying["version_info"] != plain["version_info"]
    assert envoy_config.weights_of(copying) == envoy_config.weights_of(plain)
