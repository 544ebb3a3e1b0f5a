"""Stages in Knative mode: the same service, and rollouts of it, where Knative's gateway is named."""

import os

from console.demo import variants
from tests.cluster import pinned, public
from tests.cluster.context import PREDICTOR, StageContext
from tests.cluster.forecasts import MODEL
from tests.cluster.kube import is_ready
from tests.cluster.modelrollout import STRICT, ModelRollout, step
from tests.cluster.public import KNATIVE_GATEWAY, WEIGHT
from tests.cluster.shell import Failure

NOT_PLAYED = f"{KNATIVE_GATEWAY} names no gateway: not played"


def change_mode(context: StageContext) -> list[str]:
    """The same service in Knative mode; its versions and registry stay."""
    kube = context.kube
    if KNATIVE_GATEWAY not in os.environ:
        return [NOT_PLAYED]
    kube("delete", "inferenceservice", MODEL, "--wait=true", seconds=180)
    kube.until("the predictor gone", lambda: not kube.get("pods", "--selector", PREDICTOR)["items"], 180)
    labels = {f"pod-security.kubernetes.io/{mode}": "baseline" for mode in ("enforce", "warn")}
    kube.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": kube.namespace, "labels": labels}})
    context.knative = True
    context.release.set(f"models.{MODEL}.mode=Knative")
    kube.until("the InferenceService Ready", lambda: is_ready(kube.get("inferenceservice", MODEL)), 300)
    champion = pinned.champion(context)
    kube.until("the predictor pinned", lambda: pinned.pin(kube) == champion, 180)
    kube.until("an answer at the public host", lambda: public.ask(context).is_success, 60)
    return [f"{public.host(context)} answers, pinned to version {pinned.pin(kube)}"]


def roll_out(context: StageContext) -> list[str]:
    """In Knative mode: 20 %, promotion, a spoiled candidate rolled back."""
    if not context.knative:
        return [NOT_PLAYED]
    version, spoiled = context.versions[variants.SIMPLER.name], context.versions[variants.SWAPPED.name]
    good, bad = ModelRollout(context.kube, "simpler-knative"), ModelRollout(context.kube, "swapped-knative")
    with public.requests(context) as seen:
        good.begin(version, shadow={"rows": 0}, steps=[step(WEIGHT, approval=True)])
        good.until("waits for approval", lambda status: status.get("gate"))
        fact = f"{WEIGHT} %: {public.share(seen, version)}"
        good.annotate("approved", "1/promotion")
        good.until_phase("Promoted")
        bad.begin(spoiled, limits=STRICT, shadow={"rows": 0}, steps=[step(WEIGHT)])
        status = bad.until_phase("RolledBack")
    if (champion := pinned.champion(context)) != version or spoiled in seen.versions[-100:]:
        raise Failure(f"the champion is {champion}, or the spoiled version {spoiled} still answers")
    return [fact, f"version {version} promoted, then {status['reason']}", str(seen)]
