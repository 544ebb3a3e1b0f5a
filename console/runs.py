"""Pipelines on a cluster: uploaded, submitted, followed."""

import os
import tempfile
from pathlib import Path

from console import training
from console.follower import Follower, StandstillError
from console.screen import console
from matchday import __version__, telemetry
from pipelines.compilation import PIPELINES, compile_for_cluster
from pipelines.kubeflow import VARIABLE, Kubeflow
from pipelines.placement import Placement, image_of_this_commit, tag_of_this_commit
from pipelines.pods import PodsError, RunPods


def submit(name: str, as_of: str | None, image: str | None, environment: str, seconds: float) -> str:
    """Begin a run of a pipeline on the cluster; its id."""
    moment = training.moment(as_of)
    telemetry.start("matchday-console")
    with telemetry.span(f"submit {name}", as_of=moment.isoformat()), tempfile.TemporaryDirectory() as scratch:
        trace = telemetry.traceparent() or ""
        package = Path(scratch) / f"{name}.yaml"
        compile_for_cluster(name, Placement(image or image_of_this_commit(), environment, trace), package)
        kubeflow = _kubeflow(seconds)
        arguments = {"as_of": moment.isoformat(), "traceparent": trace}
        run_id = kubeflow.submit(package, f"{name} as of {moment:%Y-%m-%d}", arguments)
    console.print(f"run {run_id} of {name} as of {moment:%Y-%m-%d %H:%M} UTC")
    console.print(f"[dim]{kubeflow.address(run_id)}[/dim]")
    return run_id


def complete(run_id: str, namespace: str) -> None:
    """Follow a run that was begun here, as `status`; what cannot go on is stopped."""
    kubeflow = _kubeflow()
    try:
        Follower(kubeflow, run_id, namespace, _pods(namespace)).states()
    except StandstillError:
        kubeflow.stop(run_id)
        raise


def status(run_id: str, namespace: str) -> None:
    """Follow a run and tell the states of its steps; then its metrics and version. Raises unless it succeeds."""
    Follower(_kubeflow(), run_id, namespace, _pods(namespace)).states()


def logs(run_id: str, namespace: str, everything: bool) -> None:
    """Follow a run and tell what its steps print; then as `status`. Raises PodsError where logs cannot be had."""
    Follower(_kubeflow(), run_id, namespace, RunPods(namespace)).logs(everything)


def upload(image: str | None, environment: str, seconds: float) -> None:
    """Keep every pipeline, placed in a release, as a version on the cluster, named by version and commit."""
    placement = Placement(image or image_of_this_commit(), environment)
    version, description = f"{__version__}-{tag_of_this_commit()}", f"image {placement.image}, release {environment}"
    kubeflow = _kubeflow(seconds)
    with tempfile.TemporaryDirectory() as scratch:
        for name in PIPELINES:
            package = Path(scratch) / f"{name}.yaml"
            compile_for_cluster(name, placement, package)
            kept = kubeflow.upload(name, package, version, description)
            console.print(f"{name} {kept.version} {'uploaded' if kept.new else 'is there already'}")


def _kubeflow(seconds: float = 0) -> Kubeflow:
    return Kubeflow(os.environ.get(VARIABLE, ""), seconds)


def _pods(namespace: str) -> RunPods | None:
    try:
        return RunPods(namespace)
    except PodsError:
        return None
