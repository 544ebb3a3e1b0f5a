"""Stages about the season under way: a stand-in of its sources, the three pipelines, and a forecast that changed."""

import os
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from pipelines.kubeflow import Kubeflow
from tests.cluster import forecasts, policies, upstream
from tests.cluster.context import StageContext
from tests.cluster.kube import Kube
from tests.cluster.release import NAME
from tests.cluster.shell import Failure, run

PIPELINES = ("ingest", "materialise", "forecast")
NEVER = "0 0 1 1 *"
"""A cron of New Year, so that nothing runs by the clock while the stage does it by hand."""

WITHOUT = ("pipelines.recurring.enabled=false", "sources.names=null")
"""The values that end that."""

RUN_SECONDS = 600
CHANGE_SECONDS = 120
"""For the server to see new features: it keeps those of a moment ago."""

CHANGED = 1e-3


def take_in(context: StageContext) -> list[str]:
    """The pipelines take in what the sources say of the season under way; the forecast of a coming match changes."""
    kube = context.kube
    before = _forecast(context)
    with _stand_in(context) as address, _sources(context, address):
        facts = [_check_scheduled(context, PIPELINES), *_check_policies(context)]
        facts += [_run(context, name) for name in PIPELINES]
        kube.until("another forecast", lambda: _moved(before, _forecast(context)) > CHANGED, CHANGE_SECONDS)
        after = _forecast(context)
        again = _run(context, "ingest")
    _check_scheduled(context, ())
    match = f"{forecasts.MATCHES[0][0]} - {forecasts.MATCHES[0][1]}"
    return [
        *facts,
        f"{match}: {before[0].round(4).tolist()} before, {after[0].round(4).tolist()} after",
        f"once more: {again}",
    ]


def run_cron_jobs(context: StageContext) -> list[str]:
    """The same release without Kubeflow: CronJobs in the place of recurring runs, behind the chart's policies."""
    if not context.kfp:
        return ["skipped: this release has no Kubeflow, and the stage before has run its CronJobs"]
    kubeflow, context.kfp = context.kfp, ""
    context.release.set("pipelines.kfp.endpoint=null")
    try:
        with _stand_in(context) as address, _sources(context, address):
            facts = [_check_scheduled(context, PIPELINES), *_check_policies(context)]
            return [*facts, *(_run(context, name) for name in PIPELINES)]
    finally:
        context.kfp = kubeflow
        context.release.set(f"pipelines.kfp.endpoint={context.kfp_inside}")


def _stand_in(context: StageContext) -> AbstractContextManager[str]:
    return upstream.running(context.kube, _image(context))


def _image(context: StageContext) -> str:
    """The pipeline's, which also has what the stand-in needs."""
    return "{repository}:{tag}".format(**context.images()["pipeline"])


@contextmanager
def _sources(context: StageContext, address: str) -> Iterator[None]:
    """The release with the fantasy game at that address, and its pipelines by the clock, for the time of the block."""
    context.release.set(*values(address))
    try:
        yield
    finally:
        context.release.set(*WITHOUT)


def values(address: str) -> list[str]:
    """The values of the release with the fantasy game at an address of the cluster."""
    return [
        "sources.names={fpl}",
        f"sources.urls.fpl={address}/api",
        f"networkPolicy.podPorts.sources={{{upstream.PORT}}}",
        "pipelines.recurring.enabled=true",
        *(f"pipelines.recurring.{name}.cron={NEVER}" for name in PIPELINES),
    ]


def cron_jobs(pipelines: Iterable[str] = PIPELINES) -> dict[str, str]:
    """The schedule of each CronJob of that release, where it has no Kubeflow."""
    return {f"{NAME}-{name}": NEVER for name in pipelines}


def _check_scheduled(context: StageContext, pipelines: Iterable[str]) -> str:
    """Raises Failure unless these pipelines run by the clock, and no others."""
    if context.kfp:
        ending = f" of {context.kube.namespace}.{NAME}"
        found = {one.name: one.cron for one in Kubeflow(context.kfp).recurring_runs() if one.name.endswith(ending)}
        wanted = {f"{name}{ending}": f"0 {NEVER}" for name in pipelines}
    else:
        listed = context.kube.get("cronjobs")["items"]
        found = {each["metadata"]["name"]: each["spec"]["schedule"] for each in listed}
        wanted = cron_jobs(pipelines)
    if found != wanted:
        raise Failure(f"by the clock runs {found}, expected {wanted}")
    return f"by the clock: {', '.join(sorted(found))}"


def _check_policies(context: StageContext) -> Iterator[str]:
    """Who reaches the stand-in, where the chart's policies decide; those of Kubeflow's runs are Kubeflow's."""
    if not context.kfp:
        yield policies.reach_source(context, f"app={upstream.NAME}", upstream.PORT)


def _run(context: StageContext, name: str) -> str:
    """Run a pipeline now; what its last step said, and how long it took. Raises Failure when it fails."""
    begun = time.monotonic()
    said = _run_on_kubeflow(context, name) if context.kfp else _run_cron_job(context.kube, name)
    return f"{name}, {time.monotonic() - begun:.0f} s: {said}"


def _run_cron_job(kube: Kube, name: str) -> str:
    job = f"{name}-{int(time.time())}"
    kube("create", "job", job, f"--from=cronjob/{NAME}-{name}")
    kube.until(f"the end of {job}", lambda: _conditions(kube, job) & {"Complete", "Failed"}, RUN_SECONDS)
    lines = kube("logs", f"job/{job}").strip().splitlines()
    if "Complete" not in _conditions(kube, job):
        raise Failure(f"{job} failed: {' | '.join(lines[-6:])}")
    return _last_words(lines)


def _last_words(lines: list[str]) -> str:
    """What the last step said; the line behind it counts the steps."""
    return "; ".join(" ".join(line.split()) for line in lines[-2:]) or "nothing said"


def _conditions(kube: Kube, job: str) -> set[str]:
    """Types of a Job's conditions that hold."""
    found = kube.get("job", job)["status"].get("conditions", [])
    return {each["type"] for each in found if each["status"] == "True"}


def _run_on_kubeflow(context: StageContext, name: str) -> str:
    matchday = str(Path(sys.executable).with_name("matchday"))
    where = ("--environment", f"{context.kube.namespace}.{NAME}", "--namespace", "kubeflow")
    what = ("--image", _image(context), "--wait")
    environ = {"KFP_ENDPOINT": context.kfp, "KUBECONFIG": os.environ.get("KUBECONFIG", "")}
    said = run(matchday, "pipeline", "submit", name, *where, *what, seconds=RUN_SECONDS, environ=environ)
    return _last_words(said.strip().splitlines())


def _forecast(context: StageContext) -> np.ndarray[Any, Any]:
    """Probabilities (n, 3) of the matches as if they were played in a week, through the gateway."""
    kickoff = (datetime.now(UTC) + timedelta(days=7)).strftime("%Y-%m-%dT14:00:00Z")
    with httpx.Client(base_url=context.gateway, headers={"Host": context.host}, timeout=20) as client:
        return forecasts.of_v2(client.post(forecasts.INFER, json=forecasts.body(kickoff)))


def _moved(before: np.ndarray[Any, Any], after: np.ndarray[Any, Any]) -> float:
    return float(np.abs(before - after).max())
