"""The stage of streamed features and the chart agree, and what the stage runs in pods does what it says; no cluster."""

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest

from matchday.settings import REPOSITORY
from matchday.sources.snapshot import Snapshot
from matchday.tables import Matches
from tests.charts.rendering import documents, kind_and_name, render
from tests.cluster import command, forecasts, stream
from tests.cluster.command import Command
from tests.cluster.context import StageContext
from tests.cluster.kube import Kube
from tests.cluster.release import Release
from tests.cluster.shell import Failure

Document = dict[str, Any]


def rendered(*sets: str) -> dict[str, Document]:
    """The release's objects by kind and name."""
    return {kind_and_name(each): each for each in documents(render("small", sets=sets))}


def template(kind: str, name: str) -> Document:
    """The pods of an object of the release, while it streams."""
    return dict(rendered(*stream.ON)[f"{kind} matchday/{name}"]["spec"]["template"])


class StubKube:
    """A cluster of these objects, whose Jobs end as they are told to. asked: the commands. applied: the objects."""

    def __init__(self, objects: dict[tuple[str, str], Document], condition: str = "Complete", log: str = "") -> None:
        self.asked: list[tuple[str, ...]] = []
        self.applied: list[Document] = []
        self._objects, self._condition, self._log = objects, condition, log

    def __call__(self, *arguments: str, **_: float) -> str:
        self.asked.append(arguments)
        return self._log if arguments[0] == "logs" else ""

    def get(self, kind: str, name: str) -> Document:
        ended = {"status": {"conditions": [{"type": self._condition, "status": "True"}]}}
        return self._objects.get((kind, name), ended)

    def apply(self, *objects: Document) -> None:
        self.applied += objects

    def until(self, what: str, condition: Any, seconds: float) -> None:
        assert condition(), what


def stub(condition: str = "Complete", log: str = "") -> tuple[StageContext, StubKube]:
    """A context of that cluster with what streams in it."""
    objects = {
        stream.PROCESSOR: {"spec": {"template": template("Deployment", "matchday-stream")}},
        stream.JOB: {"spec": {"template": template("Job", "matchday-apply-features")}},
    }
    kube = StubKube(objects, condition, log)
    found = object.__new__(StageContext)
    found.kube = cast("Kube", kube)
    return found, kube


def only(kube: StubKube) -> Document:
    """The container of the one Job that was made."""
    [job] = kube.applied
    [container] = job["spec"]["template"]["spec"]["containers"]
    return dict(container)


def environ(container: Document) -> dict[str, Any]:
    return {each["name"]: each.get("value") for each in container["env"]}


def test_the_chart_renders_what_the_stage_waits_for() -> None:
    made = rendered(*stream.ON)
    processor = made["Deployment matchday/matchday-stream"]["spec"]["template"]
    labels = {**processor["metadata"]["labels"], "pod-template-hash": "any"}
    wanted = [part.partition("=") for part in stream.PODS.split(",")]
    assert all(labels[key] == value or not value for key, _, value in wanted)
    assert environ(processor["spec"]["containers"][0])["MATCHDAY_STREAM_AS_OF"] == stream.EVE
    assert "StatefulSet matchday/matchday-kafka" in made


def test_the_servers_are_left_as_they_are() -> None:
    assert (
        rendered(*stream.ON)["InferenceService matchday/match-outcome"]
        == rendered()["InferenceService matchday/match-outcome"]
    )


@pytest.mark.parametrize("major", [3, 4], ids="helm{}".format)
def test_afterwards_the_release_is_as_before(major: int) -> None:
    def manifests(*sets: str) -> list[Document]:
        secrets = ("Secret", "ConfigMap")
        return [each for each in documents(render("small", major, sets)) if each["kind"] not in secrets]

    assert manifests(*stream.ON, *stream.OFF) == manifests()


def test_a_replay_runs_beside_the_processor_in_a_pod_like_its_own() -> None:
    context, kube = stub()
    assert stream._replay(context, 37) == Command(context.kube, "replay-37")
    [job] = kube.applied
    container = only(kube)
    assert container["args"] == ["stream", "replay", "--season", "2526", "--gameweek", "37", "--speed", "6000"]
    assert environ(container)["MATCHDAY_STREAM_EVENTS"] == "kafka://"
    assert not set(command.OF_SERVERS) & container.keys()
    spec = job["spec"]["template"]["spec"]
    assert "initContainers" not in spec and spec["restartPolicy"] == "Never"
    labels = job["spec"]["template"]["metadata"]["labels"]
    assert labels["app.kubernetes.io/component"] == "stream", "its network policy is the processor's"
    assert "pod-template-hash" not in labels


def test_the_way_back_to_the_eve_is_a_pipeline_in_a_pod_like_a_job_s() -> None:
    said = (
        "  materialise      the online store holds every team as known at 2026-05-15 00:00 UTC (9.1 s)\n  3 steps ran\n"
    )
    context, kube = stub(log=said)
    assert stream._return_to_eve(context).startswith("materialise the online store holds every team as known at 2026")
    container = only(kube)
    assert container["args"] == ["pipeline", "run", "materialise", "--as-of", stream.EVE]
    given = environ(container)
    assert given["MATCHDAY_ONLINE_STORE"] is given["AWS_ACCESS_KEY_ID"] is None, "by reference"
    [job] = kube.applied
    assert job["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/component"] == "job"


def test_a_verification_that_fails_fails_the_stage_with_its_last_lines() -> None:
    context, _ = stub("Failed", "matchday: the online store has another attack for ARS\n")
    with pytest.raises(Failure, match=r"verify failed: matchday: the online store has another attack for ARS"):
        stream._verify(context)
    context, kube = stub(
        log="760 online and  9,000 appended values of 2526 compared\nall are those of the batch path\n"
    )
    said = "760 online and 9,000 appended values of 2526 compared; all are those of the batch path"
    assert stream._verify(context) == said
    assert only(kube)["args"] == ["stream", "verify", "--season", "2526"]


def test_what_fails_while_it_streams_is_told_with_the_processor_s_log_and_ends_the_streaming() -> None:
    context, kube = stub(log="waiting: Kafka does not answer\n")
    kube.ready = lambda selector: ["matchday-stream-1"]  # type: ignore[attr-defined]
    set_values: list[tuple[str, ...]] = []
    context.release = cast("Release", SimpleNamespace(set=lambda *values: set_values.append(values)))
    with (
        pytest.raises(Failure, match="no forecast; the processor says: waiting: Kafka does not answer"),
        stream._streaming(context),
    ):
        raise Failure("no forecast")
    assert set_values == [stream.ON, stream.OFF]


def test_a_replay_that_ended_first_leaves_nothing_to_be_killed_in(monkeypatch: pytest.MonkeyPatch) -> None:
    context, _ = stub()
    with pytest.raises(Failure, match=r"gameweek 37 had ended \(Complete\) before a processor could be killed in it"):
        stream._wait_for_move(context, np.zeros((1, 3)), Command(context.kube, "replay-37"))
    context, _ = stub("Running")
    monkeypatch.setattr(stream, "_ask", lambda context: np.full((1, 3), 0.1))
    said = stream._wait_for_move(context, np.zeros((1, 3)), Command(context.kube, "replay-37"))
    assert said.endswith("after gameweek 37 began to stream")


def test_the_eve_is_before_two_gameweeks_and_nothing_else_and_the_first_lasts() -> None:
    matches = Snapshot(REPOSITORY / "data").load(Matches, [stream.SEASON])
    later = matches[matches["kickoff"] >= pd.Timestamp(stream.EVE, tz="UTC")]
    assert set(later["gameweek"]) == {stream.SPREAD, stream.LAST} and len(later) == 20
    assert matches["gameweek"].max() == stream.LAST
    assert matches["kickoff"].max() + pd.Timedelta(days=1) < pd.Timestamp(stream.AFTER, tz="UTC")
    kickoffs = later.loc[later["gameweek"] == stream.SPREAD, "kickoff"]
    seconds = (kickoffs.max() - kickoffs.min()).total_seconds() / stream.SPEED
    assert 30 < seconds < 60, "long enough to kill a processor in"
    asked = {team for match in forecasts.MATCHES for team in match}
    first = later.loc[later["kickoff"].idxmin()]
    assert {first["home"], first["away"]} & asked, "the forecast moves with the first match"
