"""What a task is given on a cluster, and what of it the cache may know."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines import placement
from pipelines.compilation import COMPILED, UnknownError, compile_for_cluster
from pipelines.placement import Placement, PlacementError, image_of_this_commit

NAME = "train-match-outcome"
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
DIGEST = "sha256:" + "0" * 64


def compiled(folder: Path, **given: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The pipeline, and what Kubernetes is told of each of its executors."""
    asked = {"image": "registry.example:5000/matchday-pipeline:abc", "environment": "autumn", **given}
    compile_for_cluster(NAME, Placement(**asked), folder / "pipeline.yaml")
    spec, platform = yaml.safe_load_all((folder / "pipeline.yaml").read_text())
    return spec, platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]


def containers(spec: dict[str, Any]) -> list[dict[str, Any]]:
    return [executor["container"] for executor in spec["deploymentSpec"]["executors"].values()]


@pytest.fixture(autouse=True)
def _no_collector(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)


def test_every_task_is_placed(tmp_path: Path) -> None:
    spec, executors = compiled(tmp_path)
    assert {one["image"] for one in containers(spec)} == {"registry.example:5000/matchday-pipeline:abc"}
    assert set(executors) == set(spec["deploymentSpec"]["executors"])
    for told in executors.values():
        [settings], [secrets], [state] = told["configMapAsEnv"], told["secretAsEnv"], told["emptyDirMounts"]
        assert (settings["configMapName"], secrets["secretName"]) == ("autumn-environment", "autumn-credentials")
        assert {key["envVar"] for key in settings["keyToEnv"]} == set(placement.SETTINGS)
        assert {key["envVar"] for key in secrets["keyToEnv"]} == set(placement.SECRETS)
        assert all(key["envVar"] == key["configMapKey"] for key in settings["keyToEnv"])
        assert state["mountPath"] == "/var/lib/matchday"


def test_a_collector_is_passed_on_by_reference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://mine:4318")
    _, executors = compiled(tmp_path)
    for told in executors.values():
        assert "OTEL_EXPORTER_OTLP_ENDPOINT" in {key["envVar"] for key in told["configMapAsEnv"][0]["keyToEnv"]}
    assert "http://mine:4318" not in (tmp_path / "pipeline.yaml").read_text()


def test_an_older_backend_meets_no_field_that_it_does_not_know(tmp_path: Path) -> None:
    """KFP 2.14 refuses the whole pipeline for an unknown field."""
    _, executors = compiled(tmp_path)
    for told in executors.values():
        assert set(told) == {"configMapAsEnv", "secretAsEnv", "emptyDirMounts"}
        for reference in (*told["configMapAsEnv"], *told["secretAsEnv"]):
            assert "optional" not in reference


def test_the_trace_is_in_every_environment_and_in_nothing_that_is_cached_by(tmp_path: Path) -> None:
    spec, _ = compiled(tmp_path, traceparent=TRACE)
    for one in containers(spec):
        assert {"name": "TRACEPARENT", "value": TRACE} in one["env"]
        assert TRACE not in str([one["command"], one["args"], one["image"]])
    dags = [spec["root"]["dag"], *(one["dag"] for one in spec["components"].values() if "dag" in one)]
    for name, task in ((name, task) for dag in dags for name, task in dag["tasks"].items()):
        if task.get("cachingOptions", {}).get("enableCache"):
            assert "traceparent" not in task.get("inputs", {}).get("parameters", {}), name
        elif "triggerPolicy" not in task and "dag" not in spec["components"][task["componentRef"]["name"]]:
            assert "traceparent" in task["inputs"]["parameters"], name


def test_placed_it_is_the_pipeline_that_is_kept(tmp_path: Path) -> None:
    spec, _ = compiled(tmp_path, image="matchday-pipeline:0.1.0x")
    kept, *_ = yaml.safe_load_all((COMPILED / f"{NAME}.yaml").read_text())
    for one in (*containers(spec), *containers(kept)):
        del one["image"]
    assert spec == kept


@pytest.mark.parametrize("image", [f"a/b@{DIGEST}", f"host:5000/a/b:1@{DIGEST}", "matchday-pipeline:012345678901"])
def test_an_image_that_says_which_it_is(image: str) -> None:
    assert Placement(image, "matchday").image == image


@pytest.mark.parametrize(
    ("image", "said"),
    [
        ("matchday-pipeline", "may be another tomorrow"),
        ("host:5000/matchday-pipeline", "may be another tomorrow"),
        ("matchday-pipeline:latest", "give a tag of its own or a digest"),
        ("Matchday Pipeline:1", "is no image: write NAME:TAG"),
        ("", "is no image"),
        ("a@sha256:123", "is no image"),
    ],
)
def test_an_image_that_may_be_another_is_refused(image: str, said: str) -> None:
    with pytest.raises(PlacementError, match=said):
        Placement(image, "matchday")


@pytest.mark.parametrize(("commit", "tag"), [("a" * 40, "a" * 12), ("a" * 40 + "-dirty", "a" * 12 + "-dirty")])
def test_the_image_of_a_commit(monkeypatch: pytest.MonkeyPatch, commit: str, tag: str) -> None:
    monkeypatch.setenv("MATCHDAY_COMMIT", commit)
    assert image_of_this_commit() == f"matchday-pipeline:{tag}"


def test_without_a_commit_an_image_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATCHDAY_COMMIT", "unknown")
    with pytest.raises(PlacementError, match="give --image NAME:TAG or set MATCHDAY_PIPELINE_IMAGE"):
        image_of_this_commit()


def test_an_unknown_pipeline_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UnknownError, match="no pipeline nonsense; there are: train-match-outcome"):
        compile_for_cluster("nonsense", Placement("a:1", "b"), tmp_path / "pipeline.yaml")


def test_a_pipeline_that_asks_sources_gets_their_token_by_reference(tmp_path: Path) -> None:
    _, executors = compiled(tmp_path, sources_secret="autumn-sources")
    for told in executors.values():
        [_, token] = told["secretAsEnv"]
        [key] = token["keyToEnv"]
        assert (token["secretName"], key["envVar"]) == ("autumn-sources", "MATCHDAY_FOOTBALL_DATA_TOKEN")
        assert "optional" not in token
