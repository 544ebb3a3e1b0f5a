"""`matchday pipeline ...` about runs on a cluster: shown, followed, canceled, and left to themselves."""

from collections.abc import Iterator

import pytest

from console.operations import run_following
from console.operations.run_following import RunFollower
from tests.console.conftest import RunCommand
from tests.pipelines.kubeflow_api import KubeflowApi, kubeflow_api

SUBMIT = ("pipeline", "submit", "train-match-outcome", "--image", "matchday-pipeline:abc", "--as-of", "2026-03-01")


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[KubeflowApi]:
    """Kubeflow with one run, which is under way."""
    monkeypatch.setattr(run_following, "POLL_SECONDS", 0)
    monkeypatch.setenv("KUBECONFIG", "/nowhere")
    with kubeflow_api() as server:
        monkeypatch.setenv("KFP_ENDPOINT", server.endpoint)
        server.runs.append({"display_name": "train-match-outcome as of 2026-02-01"})
        server.state = "RUNNING"
        yield server


def test_status_shows_a_run_that_is_under_way_and_returns(matchday: RunCommand, api: KubeflowApi) -> None:
    ended = matchday("pipeline", "status", "r1")
    assert (ended.code, ended.stdout) == (0, "run r1 is running; --follow waits for its end\n")


def test_status_tells_of_a_run_that_is_over(matchday: RunCommand, api: KubeflowApi) -> None:
    api.state = "SUCCEEDED"
    assert "run r1 succeeded" in matchday("pipeline", "status", "r1").stdout
    api.state = "FAILED"
    assert "run r1 failed" in matchday("pipeline", "status", "r1").refusal


def test_status_follows_a_run_where_it_is_asked_to(
    matchday: RunCommand, api: KubeflowApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    def end_after_a_poll(_: float) -> None:
        api.state = "SUCCEEDED"

    monkeypatch.setattr(run_following.time, "sleep", end_after_a_poll)
    assert "run r1 succeeded" in matchday("pipeline", "status", "r1", "--follow").stdout


def test_a_run_is_canceled_once_and_called_so(matchday: RunCommand, api: KubeflowApi) -> None:
    ended = matchday("pipeline", "cancel", "r1")
    assert (ended.code, ended.stdout) == (0, "run r1 was running and is being canceled\n")
    assert api.stopped == ["r1"]
    assert "run r1 was canceled" in matchday("pipeline", "status", "r1").refusal
    assert "run r1 was canceled" in matchday("pipeline", "status", "r1", "--follow").refusal
    assert "run r1 is not under way: it was canceled" in matchday("pipeline", "cancel", "r1").refusal
    assert api.stopped == ["r1"]


def test_a_run_that_is_over_is_not_canceled(matchday: RunCommand, api: KubeflowApi) -> None:
    api.state = "SUCCEEDED"
    assert "run r1 is not under way: it succeeded" in matchday("pipeline", "cancel", "r1").refusal
    assert "Run nobody not found" in matchday("pipeline", "cancel", "nobody").refusal
    assert api.stopped == []


def test_an_interrupt_while_waiting_says_that_the_run_goes_on(
    matchday: RunCommand, api: KubeflowApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: RunFollower) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(RunFollower, "follow_states", interrupt)
    ended = matchday(*SUBMIT, "--wait")
    assert ended.code == 130
    assert ended.stderr == "matchday: stopped; the run goes on: 'matchday pipeline cancel r2' ends it\n"
    assert api.stopped == []


def test_a_submission_names_the_runs_of_the_same_pipeline_that_are_under_way(
    matchday: RunCommand, api: KubeflowApi
) -> None:
    ended = matchday(*SUBMIT)
    assert ended.code == 0
    assert "also under way: r1. Each registers a version of its own" in ended.stdout
    api.state = "SUCCEEDED"
    assert "under way" not in matchday(*SUBMIT).stdout
