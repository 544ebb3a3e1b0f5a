"""Stages that give a release something wrong: a message says what to do, and nothing is applied in part."""

import base64
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx

from matchday.registry import CHAMPION
from tests.cluster import job
from tests.cluster.context import LOGIN, StageContext
from tests.cluster.forecasts import MODEL
from tests.cluster.job import Job
from tests.cluster.kube import Kube
from tests.cluster.predictor import Predictor, beside
from tests.cluster.release import NAME, Release
from tests.cluster.shell import Failure

WRONG = "wrong-9d2f41c7"
"""Every wrong password; no log may show it."""

NOWHERE = "http://127.0.0.1:9"
STORES = {
    "MATCHDAY_ONLINE_STORE": "redis://127.0.0.1:9/0",
    "MLFLOW_BACKEND_STORE_URI": "postgresql://mlflow:mlflow@127.0.0.1:9/mlflow",
    "AWS_ACCESS_KEY_ID": "matchday",
    "AWS_SECRET_ACCESS_KEY": WRONG,
}
"""Secret of stores that do not exist."""

CREDENTIALS = f"{NAME}-credentials"
KNATIVE = "serving.knative.dev/v1"
MOST_ATTEMPTS = 4
"""Starts of a storage initializer that a stage may see: the second comes at once, then the pauses grow."""


def model_uris(context: StageContext) -> list[str]:
    """An unknown version, an unknown model and a damaged bundle are refused at once, and the status says why."""
    said = {
        "fault-version": (3, rf"{MODEL} has no version 999; its latest: .*; give one of these"),
        "fault-model": (3, rf"no model no-such-model in MLflow at http://\S+; it knows: {MODEL}; give one of these"),
        "fault-bundle": (2, r"MLflow holds mlflow://\S+ damaged: model\.onnx does not match its sum"),
    }
    damaged = _register_damaged(context)
    uris = [f"mlflow://{MODEL}/999", "mlflow://no-such-model@champion", f"mlflow://{MODEL}/{damaged}"]
    try:
        with beside(context.kube, dict(zip(said, uris, strict=True))) as predictors:
            facts = [_expect_refusal(each, *said[each.name]) for each in predictors]
            if (files := predictors[-1].files()) != "[]":
                raise Failure(f"of the damaged bundle there is left in the pod: {files}")
    finally:
        _delete(context, damaged)
    return [*facts, "of the damaged bundle no file is left in its pod"]


def wrong_password(context: StageContext) -> list[str]:
    """MLflow refuses a predictor's credentials: the log says so once and does not show them."""
    right = context.kube.secret(CREDENTIALS)[LOGIN[1]]
    said = rf"MLflow at \S+ refuses the credentials \(401\): set MLFLOW_TRACKING_TOKEN, or {LOGIN[0]} and {LOGIN[1]}"
    uris = {"fault-password": f"mlflow://{MODEL}@{CHAMPION}"}
    with _patch_secret(context, LOGIN[1], WRONG), beside(context.kube, uris) as [predictor]:
        fact = _expect_refusal(predictor, 2, said)
        _check_hidden([*predictor.log(), str(predictor.failure())], WRONG, right)
    return [fact]


def bucket_down(context: StageContext) -> list[str]:
    """A predictor that starts while the bucket is down says so, and starts once the bucket is back."""
    kube, bucket = context.kube, f"statefulset/{NAME}-bucket"
    kube("scale", bucket, "--replicas", "0")
    try:
        kube("wait", "--for=delete", f"pod/{NAME}-bucket-0", "--timeout=60s")
        with beside(kube, {"fault-bucket": f"mlflow://{MODEL}@{CHAMPION}"}) as [predictor]:
            said = r"MLflow at .*; bundles are in its object store: see that this runs too"
            kube.until("word of the bucket", lambda: re.search(said, _last(predictor)), 90)
            line = _last(predictor)
            if predictor.ready():
                raise Failure("a predictor is ready without its bundle")
            with httpx.Client(base_url=context.gateway, timeout=20) as client:
                context.ask(client).raise_for_status()
            kube("scale", bucket, "--replicas", "1")
            kube.until("a predictor after the bucket", predictor.ready, 120)
            attempts = predictor.attempts()
    finally:
        kube("scale", bucket, "--replicas", "1")
    return [
        line,
        "meanwhile the release's own predictor answers",
        f"Ready once the bucket was back, at start {attempts} of its storage initializer",
    ]


def jobs(context: StageContext) -> list[str]:
    """The release's Jobs with wrong passwords: tried once, and the last line says what to do."""
    kube = context.kube
    database = kube.secret(f"{NAME}-database")["MLFLOW_BACKEND_STORE_URI"]
    password = str(urlsplit(database).password)
    elsewhere = {"MLFLOW_BACKEND_STORE_URI": database.replace(password, WRONG)}
    faulty = [
        (
            job.again(kube, "migrate-database", "fault-database", elsewhere),
            r"refuses: .*password authentication failed .*; check MLFLOW_BACKEND_STORE_URI$",
        ),
        (
            job.again(kube, "make-bucket", "fault-key", {"AWS_SECRET_ACCESS_KEY": WRONG}),
            r"refuses bucket \S+ \(.*\): check AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID",
        ),
        (
            job.again(kube, "train-champion", "fault-champion", {LOGIN[1]: WRONG}, backoffLimit=0),
            r"it refuses the credentials; set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD to ones that may$",
        ),
    ]
    try:
        return [_expect_failure(each, said, password) for each, said in faulty]
    finally:
        kube("delete", "job", *(each.name for each, _ in faulty), "--wait=false")


def values(context: StageContext) -> list[str]:
    """Values that contradict each other or are of an older chart are refused, and the release stays as it was."""
    refused = {
        "redis.url=redis://elsewhere:6379/0": "set redis.enabled=false to use yours, or drop redis.url",
        "fullnameOverride=other": "in an upgrade leave fullnameOverride, nameOverride, database.enabled",
        "pipelines.recurring.enabled=true": "name a source, such as fpl, or set pipelines.recurring.enabled=false",
        "sources.names={fotmob}": "sources.names has fotmob, which is no source: there are football_data_org,",
        "stream.enabled=true": "there is none: give kafka.brokers, or for a trial set kafka.enabled=true",
        "inferenceService.replicas=2": f"write models.{MODEL}.replicas in place of inferenceService.replicas",
    }
    if KNATIVE not in context.kube("api-versions").split():
        refused["models.match-result.mode=Knative"] = "install it, or set models.match-result.mode=Standard"
    before = context.release.revision()
    facts = [_expect_error(partial(context.release.set, value), said) for value, said in refused.items()]
    if context.release.revision() != before:
        raise Failure("a refused upgrade has made a revision")
    return facts


def installation(context: StageContext) -> list[str]:
    """An install whose bucket never answers: its first Job says so, no later one runs, and it can be uninstalled."""
    kube = Kube(f"{context.kube.namespace}-refused")
    release = Release(kube)
    kube.create()
    try:
        kube.apply({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "stores"}, "stringData": STORES})
        _expect_error(lambda: release.install(_unreachable_stores(context), 120), "failed")
        [made] = kube.get("jobs")["items"]
        line = Job(kube, made["metadata"]["name"]).log()[-1]
        said = rf"the object store {NOWHERE} does not answer .* \(waited 3 s\); .* networkPolicy\.podPorts\.bucket$"
        if not re.search(said, line):
            raise Failure(f"{made['metadata']['name']} ends with {line!r}")
        left = [name for name in release.uninstall() if name != "secret/stores"]
    finally:
        kube("delete", "namespace", kube.namespace, "--wait=false")
    return [line, f"left after its uninstall: {', '.join(left)}"]


def _unreachable_stores(context: StageContext) -> dict[str, Any]:
    """Values of a release without a predictor, whose stores are at addresses where nothing answers."""
    urls = {"redis": "redis://127.0.0.1:9/0", "database": "postgresql://127.0.0.1:9/mlflow", "bucket": NOWHERE}
    stores = {name: {"enabled": False, "url": url, "existingSecret": "stores"} for name, url in urls.items()}
    without = {"models": {MODEL: {"enabled": False}}, "champion": {"enabled": False}}
    oversized = {"resources": {"requests": {"cpu": "1000"}, "limits": {"cpu": "1000"}}}  # fits nowhere: need not end
    return {**stores, **without, "mlflow": oversized, "images": context.images(), "jobs": {"waitSeconds": 3}}


def _expect_refusal(predictor: Predictor, code: int, said: str) -> str:
    """The last line, once KServe's status has it. Raises Failure when the pod got any further."""
    kube, name = predictor.kube, predictor.name
    kube.until(f"the status of {name}", lambda: re.search(said, predictor.failure().get("message", "")), 90)
    failure = predictor.failure()
    line = failure["message"].splitlines()[-1]
    if not re.search(said, line) or failure["exitCode"] != code:
        raise Failure(f"{name} ends with {failure['exitCode']} and {line!r}, expected {code} and {said!r}")
    [server] = [each for each in predictor.pod()["status"]["containerStatuses"] if each["name"] == "kserve-container"]
    if predictor.ready() or server.get("started"):
        raise Failure(f"{name} is served")
    if (attempts := predictor.attempts()) > MOST_ATTEMPTS:
        raise Failure(f"{name} was tried {attempts} times")
    return f"{line} (exit {code})"


def _expect_failure(faulty: Job, said: str, *secrets: str) -> str:
    faulty.kube.until(f"the end of {faulty.name}", faulty.failed, 120)
    log = faulty.log()
    _check_hidden(log, WRONG, *secrets)
    if not re.search(said, log[-1]):
        raise Failure(f"{faulty.name} ends with {log[-1]!r}, expected {said!r}")
    if (attempts := faulty.attempts()) != 1:
        raise Failure(f"{faulty.name} was tried {attempts} times")
    return log[-1]


def _check_hidden(lines: list[str], *secrets: str) -> None:
    if visible := [line for line in lines if any(secret in line for secret in secrets)]:
        raise Failure(f"a log shows a secret: {visible[0]}")


def _last(predictor: Predictor) -> str:
    try:
        return next(reversed(predictor.log()), "")
    except (Failure, ValueError):
        return ""


def _expect_error(attempt: Callable[[], object], said: str) -> str:
    try:
        attempt()
    except Failure as error:
        if said in str(error):
            return str(error).rpartition("): ")[2]
        raise
    raise Failure(f"not refused: expected {said!r}")


@contextmanager
def _patch_secret(context: StageContext, key: str, value: str) -> Iterator[None]:
    """Another value in the clients' Secret for the time of the block; what runs has read it before."""
    before = context.kube.secret(CREDENTIALS)[key]

    def write(text: str) -> None:
        encoded = base64.b64encode(text.encode()).decode()
        context.kube("patch", "secret", CREDENTIALS, "--patch", f'{{"data": {{"{key}": "{encoded}"}}}}')

    write(value)
    try:
        yield
    finally:
        write(before)


def _register_damaged(context: StageContext) -> str:
    """Another version of the champion's bundle, of which one file is then written over in the bucket."""
    with context.registry() as (registry, mlflow), tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "bundle"
        registry.download(f"mlflow://{MODEL}@{CHAMPION}", folder)
        version = registry.log_run("cluster-test", {}, {}, {"fault": uuid4().hex}, folder, MODEL).version
        graph = (folder / "model.onnx").read_bytes()
        asked = {"name": MODEL, "version": version}
        place = mlflow.get("/api/2.0/mlflow/model-versions/get-download-uri", params=asked).raise_for_status().json()
        path = urlsplit(place["artifact_uri"]).path
        store = "/api/2.0/mlflow-artifacts/artifacts"
        mlflow.put(f"{store}{path}/model.onnx", content=graph[:-1] + b"\0").raise_for_status()
    return version


def _delete(context: StageContext, version: str) -> None:
    with context.registry() as (_, mlflow):
        asked = {"name": MODEL, "version": version}
        mlflow.request("DELETE", "/api/2.0/mlflow/model-versions/delete", json=asked).raise_for_status()
