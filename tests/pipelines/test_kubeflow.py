"""Kubeflow's API through the real SDK: what is sent, and what its refusals become."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from matchday.errors import MatchdayError
from matchday.patience import NotYet
from pipelines.compilation import compile_for_cluster
from pipelines.kubeflow import Kubeflow, KubeflowError, Upload
from pipelines.placement import Placement
from tests.pipelines.kubeflow_api import KubeflowApi, kubeflow_api
from tests.services.processes import free_port

NAME = "train-match-outcome"


@pytest.fixture
def api() -> Iterator[KubeflowApi]:
    with kubeflow_api() as server:
        yield server


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("package") / f"{NAME}.yaml"
    compile_for_cluster(NAME, Placement("matchday-pipeline:abc", "matchday"), file)
    return file


def test_a_run_is_sent_whole_and_told_of(api: KubeflowApi, package: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kubeflow = Kubeflow(api.endpoint + "/")
    run_id = kubeflow.submit(package, "a run", {"as_of": "2026-03-01", "traceparent": "00-a-b-01"})
    [sent] = api.runs
    assert (run_id, sent["display_name"], sent["experiment_id"]) == ("r1", "a run", "e1")
    assert sent["runtime_config"]["parameters"] == {"as_of": "2026-03-01", "traceparent": "00-a-b-01"}
    executors = sent["pipeline_spec"]["platform_spec"]["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    assert len(executors) == 11
    tasks = sent["pipeline_spec"]["pipeline_spec"]["root"]["dag"]["tasks"]
    assert tasks["train"]["cachingOptions"] == {"enableCache": True}
    assert tasks["ingest"]["cachingOptions"] == {}
    assert (kubeflow.run(run_id).state, kubeflow.run(run_id).canceled) == ("SUCCEEDED", False)
    kubeflow.stop(run_id)
    assert (kubeflow.run(run_id).state, kubeflow.run(run_id).canceled) == ("FAILED", True)
    assert kubeflow.address(run_id) == f"{api.endpoint}/#/runs/details/r1"
    assert capsys.readouterr() == ("", ""), "the SDK's links and warnings are nobody's business"


def test_the_runs_of_a_pipeline_that_are_under_way_are_told(api: KubeflowApi, package: Path) -> None:
    kubeflow, api.state = Kubeflow(api.endpoint), "RUNNING"
    for name in (f"{NAME} as of 2026-03-01", "train-match-outcome-two as of 2026-03-01", f"{NAME} as of 2026-04-01"):
        kubeflow.submit(package, name, {})
    assert kubeflow.under_way(NAME) == ["r3", "r1"]
    kubeflow.stop("r1")
    assert kubeflow.under_way(NAME) == ["r3"]
    api.state = "SUCCEEDED"
    assert kubeflow.under_way(NAME) == []


def test_versions_are_kept_once_and_by_what_they_are(api: KubeflowApi, package: Path) -> None:
    kubeflow = Kubeflow(api.endpoint)
    assert kubeflow.upload(NAME, package, "0.1.0-abc", "release one") == Upload("0.1.0-abc", new=True)
    assert kubeflow.upload(NAME, package, "0.1.0-abc", "release one") == Upload("0.1.0-abc", new=False)
    other = kubeflow.upload(NAME, package, "0.1.0-abc", "release two")
    assert other.new and other.version.startswith("0.1.0-abc-")
    assert kubeflow.upload(NAME, package, "0.1.0-abc", "release two") == Upload(other.version, new=False)
    assert kubeflow.upload(NAME, package, "0.1.0-def", "release one").new
    assert [one["display_name"] for one in api.versions] == ["0.1.0-abc", other.version, "0.1.0-def"]
    assert list(api.pipelines) == [NAME]


def test_a_refusal_is_told_in_one_line_of_the_apis_own(api: KubeflowApi, package: Path) -> None:
    kubeflow = Kubeflow(api.endpoint)
    api.refusal = 'unknown field "optional"'
    with pytest.raises(KubeflowError, match=r'could not run a run: unknown field "optional"$'):
        kubeflow.submit(package, "a run", {"as_of": "x"})
    with pytest.raises(KubeflowError, match=r"could not tell of run nobody: Run nobody not found$"):
        kubeflow.run("nobody")


def test_an_api_that_is_late_is_waited_for(api: KubeflowApi) -> None:
    api.healthy = 503
    threading.Timer(1.5, setattr, (api, "healthy", 200)).start()
    Kubeflow(api.endpoint, seconds=20)


def test_what_does_not_answer_is_named() -> None:
    began = time.monotonic()
    with pytest.raises(MatchdayError, match=r"does not answer .*KFP_ENDPOINT is its address \(waited 1 s\)"):
        Kubeflow(f"http://127.0.0.1:{free_port()}", seconds=1)
    assert time.monotonic() - began < 40
    with pytest.raises(KubeflowError, match="KFP_ENDPOINT is not set"):
        Kubeflow("")


def test_what_is_something_else_is_named(api: KubeflowApi) -> None:
    api.healthy = 404
    with pytest.raises(KubeflowError, match="answers 404 when asked for its health"):
        Kubeflow(api.endpoint, seconds=60)


def test_an_api_that_goes_away_may_come_back(package: Path) -> None:
    with kubeflow_api() as api:
        kubeflow = Kubeflow(api.endpoint)
    with pytest.raises(NotYet, match="does not answer any more"):
        kubeflow.run("r1")
