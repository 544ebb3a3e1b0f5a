"""Pipelines on a cluster: submitted, followed, uploaded."""

import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from console.operations import training
from console.operations.events import ClusterEvent, RunStanding, RunSubmitted
from console.operations.run_following import ClusterRunFinished, RunFollower, StandstillError
from matchday import __version__, calendar, telemetry
from pipelines.compilation import PIPELINES, TRAINING, compile_for_cluster
from pipelines.kubeflow import VARIABLE, Kubeflow, KubeflowError
from pipelines.placement import Placement, image_of_this_commit, tag_of_this_commit
from pipelines.pods import PodsError, RunPods

SOURCES_VARIABLE = "MATCHDAY_KFP_SOURCES_SECRET"
"""Variable with the name of the Secret, where runs live, that has the token of live sources."""

ASKING = ("ingest",)
"""Pipelines that ask live sources; their steps alone get the token."""


@dataclass(frozen=True)
class UploadedPipeline:
    """A version of a pipeline on the cluster. new: whether it was uploaded now, or was there before."""

    name: str
    version: str
    new: bool


def submit(name: str, as_of: str | None, image: str | None, environment: str, seconds: float) -> RunSubmitted:
    """Begin a run of a pipeline on the cluster.

    as_of: None means after the last match for a pipeline that trains, and the time of each step for the others.
    image: of the steps; None means this commit's. environment: the release whose settings the steps get. seconds: how
    long to wait for Kubeflow. Raises MatchdayError when it does not answer or refuses.
    """
    moment = training.training_moment(as_of) if name in TRAINING else _parse(as_of)
    given = moment.isoformat() if moment else ""
    with telemetry.span(f"submit {name}", as_of=given), tempfile.TemporaryDirectory() as scratch:
        trace = telemetry.traceparent() or ""
        package = Path(scratch) / f"{name}.yaml"
        compile_for_cluster(name, _place(name, image, environment, trace), package)
        kubeflow = connect(seconds)
        arguments = {"as_of": given, "traceparent": trace}
        others = kubeflow.under_way(name)
        begun = moment or datetime.now(UTC)
        run_id = kubeflow.submit(package, f"{name} as of {begun:%Y-%m-%d}", arguments)
    return RunSubmitted(run_id, name, begun, kubeflow.address(run_id), tuple(others))


def complete(run_id: str, namespace: str, on_event: Callable[[ClusterEvent], None]) -> ClusterRunFinished:
    """Follow a run that was submitted here, as `follow`, and stop it when it cannot go on."""
    kubeflow = connect()
    try:
        return RunFollower(kubeflow, run_id, namespace, _pods(namespace), on_event).follow_states()
    except StandstillError:
        kubeflow.stop(run_id)
        raise


def cancel(run_id: str) -> str:
    """End a run; returns its state before. Raises KubeflowError for one that is unknown or over."""
    kubeflow = connect()
    before = kubeflow.run(run_id)
    if before.over or before.canceled:
        state = "was canceled" if before.canceled else before.state.lower()
        raise KubeflowError(f"run {run_id} is not under way: it {state}")
    kubeflow.stop(run_id)
    return before.state


def standing(run_id: str, namespace: str, on_event: Callable[[ClusterEvent], None]) -> ClusterRunFinished | RunStanding:
    """Report the states of a run's steps as they are now. Raises MatchdayError for a run that failed or was ended."""
    return RunFollower(connect(), run_id, namespace, _pods(namespace), on_event).report_states()


def logs(
    run_id: str, namespace: str, everything: bool, on_event: Callable[[ClusterEvent], None]
) -> ClusterRunFinished | RunStanding:
    """Report what a run's steps have printed so far. everything: Kubeflow's own lines too. Raises as `standing`."""
    return RunFollower(connect(), run_id, namespace, RunPods(namespace), on_event).report_logs(everything)


def follow(run_id: str, namespace: str, on_event: Callable[[ClusterEvent], None]) -> ClusterRunFinished:
    """Follow a run to its end and report the states of its steps. Raises MatchdayError unless it succeeds."""
    return RunFollower(connect(), run_id, namespace, _pods(namespace), on_event).follow_states()


def follow_logs(
    run_id: str, namespace: str, everything: bool, on_event: Callable[[ClusterEvent], None]
) -> ClusterRunFinished:
    """Follow a run to its end and report what its steps print. Raises as `follow`, PodsError without access to logs.

    everything: Kubeflow's own lines too.
    """
    return RunFollower(connect(), run_id, namespace, RunPods(namespace), on_event).follow_logs(everything)


def upload(image: str | None, environment: str, seconds: float) -> Iterator[UploadedPipeline]:
    """Upload every pipeline as a version named by version and commit; each is yielded once it is there."""
    version = f"{__version__}-{tag_of_this_commit()}"
    kubeflow = connect(seconds)
    with tempfile.TemporaryDirectory() as scratch:
        for name in PIPELINES:
            package, placement = Path(scratch) / f"{name}.yaml", _place(name, image, environment)
            compile_for_cluster(name, placement, package)
            kept = kubeflow.upload(name, package, version, _describe(placement))
            yield UploadedPipeline(name, kept.version, kept.new)


def connect(seconds: float = 0) -> Kubeflow:
    """Kubeflow Pipelines at KFP_ENDPOINT. Raises MatchdayError when it does not answer within `seconds`."""
    return Kubeflow(os.environ.get(VARIABLE, ""), seconds)


def _place(name: str, image: str | None, environment: str, traceparent: str = "") -> Placement:
    """Where the steps of a pipeline find what they need."""
    secret = os.environ.get(SOURCES_VARIABLE, "") if name in ASKING else ""
    return Placement(image or image_of_this_commit(), environment, traceparent, secret)


def _describe(placement: Placement) -> str:
    """What tells an uploaded version from another of the same commit."""
    token = f", token in {placement.sources_secret}" if placement.sources_secret else ""
    return f"image {placement.image}, release {placement.environment}{token}"


def _pods(namespace: str) -> RunPods | None:
    try:
        return RunPods(namespace)
    except PodsError:
        return None


def _parse(as_of: str | None) -> datetime | None:
    return calendar.parse(as_of) if as_of else None
