"""Stages about rollouts: two versions behind one public host, and the judge between them.

Requests go through the gateway all the while; not one may fail.
"""

import json
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from console.demo import variants
from matchday.bundle import read_bundle
from tests.cluster import pinned, public
from tests.cluster.context import PREDICTOR, StageContext
from tests.cluster.forecasts import MODEL
from tests.cluster.kube import PREFIX, Kube
from tests.cluster.modelrollout import DEFINITION, STRICT, ModelRollout, step
from tests.cluster.public import WEIGHT
from tests.cluster.release import NAME
from tests.cluster.shell import Failure

OPERATOR = "app.kubernetes.io/component=rollout"


def enable(context: StageContext) -> list[str]:
    """The operator comes; it pins what is served and opens the public host. Two more versions are registered."""
    kube = context.kube
    there = DEFINITION in kube("get", "crd", "--output", "name")
    small = ("rollouts.interval=3", "rollouts.resources.requests.memory=256Mi")
    context.release.set("rollouts.enabled=true", f"rollouts.definition={str(not there).lower()}", *small)
    kube.until("the operator ready", lambda: kube.ready(OPERATOR), 180)
    kube.until("the predictor pinned", lambda: pinned.pin(kube) == pinned.served_versions(kube), 180)
    kube.until("an answer at the public host", lambda: public.ask(context).is_success, 60)
    context.versions = _register(context)
    known = ", ".join(f"{name} is version {version}" for name, version in context.versions.items())
    return [f"{public.host(context)} answers, pinned to version {pinned.pin(kube)}", known]


def promote(context: StageContext) -> list[str]:
    """A good candidate: shadow, 20 %, 50 %, promotion with the alias."""
    version = context.versions[variants.SIMPLER.name]
    rollout = ModelRollout(context.kube, "simpler")
    with public.requests(context) as seen:
        begun = time.monotonic()
        rollout.begin(version, steps=[step(WEIGHT, approval=True), step(50)])
        rollout.until("waits for approval", lambda status: status.get("gate") == f"1/{WEIGHT}")
        facts = public.shares(seen, version)
        rollout.annotate("approved", f"1/{WEIGHT}")
        rollout.until_phase("Promoted")
        passed = time.monotonic() - begun
    if (champion := pinned.champion(context)) != version:
        raise Failure(f"the rollout promoted version {version}, and the alias champion means {champion}")
    return [*facts, f"version {version} promoted in {passed:.0f} s: {seen}", *rollout.story()]


def keep_version(context: StageContext) -> list[str]:
    """Neither an upgrade of the chart, nor a new pod, nor a moved alias changes what a rollout has let in."""
    kube, version = context.kube, context.versions[variants.SIMPLER.name]
    context.release.set(f"models.{MODEL}.stopSeconds=21")
    pinned.wait_until_served(kube, version)
    with context.registry() as (registry, _):
        registry.set_alias(MODEL, "champion", context.versions[variants.SWAPPED.name])
        try:
            kube("delete", "pod", "--selector", PREDICTOR, "--wait=true", seconds=120)
            pinned.wait_until_served(kube, version)
        finally:
            registry.set_alias(MODEL, "champion", version)
    return [f"after helm upgrade and a deleted pod with the alias elsewhere: version {version} still"]


def roll_back(context: StageContext) -> list[str]:
    """A spoiled candidate gets a share of the requests, and is taken back."""
    before, version = pinned.champion(context), context.versions[variants.SWAPPED.name]
    rollout = ModelRollout(context.kube, "swapped")
    with public.requests(context) as seen:
        rollout.begin(version, limits=STRICT, shadow={"rows": 0}, steps=[step(WEIGHT), step(50)])
        status = rollout.until_phase("RolledBack")
    if version in seen.versions[-100:] or (champion := pinned.champion(context)) != before:
        raise Failure(f"version {version} was rolled back and still answers, or the champion is {champion}")
    return [
        f"rolled back: {status['reason']}",
        f"{seen}, {seen.versions.count(version)} of them by the spoiled version",
    ]


def delete(context: StageContext) -> list[str]:
    """A ModelRollout that is deleted while its candidate has a share is gone at once, and is rolled back."""
    kube, before, version = context.kube, pinned.pin(context.kube), context.versions[variants.SIMPLER.name]
    if version == before:
        version = context.first
    rollout = ModelRollout(kube, "deleted")
    with public.requests(context) as seen:
        rollout.begin(version, shadow={"rows": 0}, steps=[step(WEIGHT, holdSeconds=200)])
        rollout.until_phase("Progressing")
        kube.until(f"an answer by version {version}", lambda: version in seen.versions, 60)
        kube("delete", "modelrollout", rollout.name, "--timeout=10s")
        kube.until("the candidate gone", lambda: not _canary(kube), 120)
        time.sleep(3)
        asked = len(seen.versions)
    if others := set(seen.versions[asked:]) - {before}:
        raise Failure(f"after a rollout was deleted versions {', '.join(others)} answer, not {before} alone")
    return [f"deleted at {WEIGHT} %, gone at once, and version {version} rolled back: {seen}"]


def kill_operator(context: StageContext) -> list[str]:
    """The operator's pod is killed in the middle of a step; the next one goes on in the same window."""
    kube, rollout = context.kube, ModelRollout(context.kube, "back")
    with public.requests(context) as seen:
        rollout.begin(context.first, shadow={"rows": 0}, steps=[step(WEIGHT, holdSeconds=45)])
        before = rollout.until("has looked", _has_looked)
        holder = _holder(kube)
        kube("delete", "pod", "--selector", OPERATOR, "--grace-period=0", "--force", seconds=60)
        begun = time.monotonic()
        kube.until("another operator acting", lambda: _holder(kube) not in ("", holder), 120)
        taken_over = time.time()
        after = rollout.until("is looked at again", lambda status: status["tick"] > taken_over)
        away = time.monotonic() - begun
        rollout.until_phase("Promoted")
    if (after["attempt"], after["since"]) != (before["attempt"], before["since"]):
        raise Failure("the rollout began its step anew after the operator was killed")
    return [f"operator killed at {WEIGHT} %, another went on after {away:.0f} s in the same window: {seen}"]


def end_rollouts(kube: Kube) -> None:
    """Delete every ModelRollout, while there is an operator that takes back what is under way."""
    if DEFINITION.partition(".")[0] in kube("api-resources", "--output", "name"):
        kube("delete", "modelrollouts", "--all", "--timeout", "120s", seconds=130)


def delete_definition(kube: Kube) -> None:
    """Delete the definition, which outlives a release, where it came with this run or an earlier one of the test.

    An earlier one may lack what this checkout's operator writes.
    """
    found = json.loads(kube("get", "crd", "--output", "json"))["items"]
    for each in found:
        notes = each["metadata"].get("annotations") or {}
        owner = notes.get("meta.helm.sh/release-namespace", "")
        if each["metadata"]["name"] == DEFINITION and owner.startswith(PREFIX):
            kube("delete", "crd", DEFINITION, "--timeout", "60s")


def _register(context: StageContext) -> dict[str, str]:
    """Register variants of the champion. Returns their versions by their names."""
    with context.registry() as (registry, _), tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        champion = registry.resolve(f"mlflow://{MODEL}@champion")
        context.first = champion.version
        registry.download(champion.uri, scratch / "champion")
        bundle = read_bundle(scratch / "champion")
        made = (variants.SIMPLER, variants.SWAPPED)
        return {each.name: variants.register(registry, champion, each, bundle, scratch) for each in made}


def _canary(kube: Kube) -> object:
    """The candidate's entry in the InferenceService; nothing where there is none."""
    return kube.get("inferenceservice", MODEL)["spec"].get("canary")


def _holder(kube: Kube) -> str:
    """The operator that acts."""
    return str(kube.get("lease", f"{NAME}-rollout")["spec"].get("holderIdentity") or "")


def _has_looked(status: Mapping[str, Any]) -> bool:
    return status.get("phase") == "Progressing" and bool(status.get("verdict"))
