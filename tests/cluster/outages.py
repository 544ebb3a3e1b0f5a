"""Stages in which pods are replaced or killed while requests are sent: an upgrade, Redis, a predictor."""

import time

from tests.cluster.context import PREDICTOR, StageContext
from tests.cluster.forecasts import MODEL
from tests.cluster.kube import Kube
from tests.cluster.release import NAME
from tests.cluster.shell import Failure
from tests.cluster.traffic import traffic

MOST_IN_FLIGHT = 4
"""The most requests that one predictor can be answering: traffic has as many clients."""


def upgrade(context: StageContext) -> list[str]:
    """Another replica count and back, under traffic, without a failed request."""
    kube, before = context.kube, context.release.revision()
    with traffic(context.ask, context.gateway) as seen:
        context.release.set(f"models.{MODEL}.replicas=2")
        kube.until("two predictors", lambda: len(kube.ready(PREDICTOR)) == 2, 180)
        time.sleep(5)
        context.release("rollback", NAME, str(before), "--timeout", "300s", seconds=330)
        kube.until("one predictor", lambda: len(kube.pods(PREDICTOR)) == 1, 120)
        time.sleep(10)
    if seen.failed:
        raise Failure(f"upgrade and rollback failed requests: {seen}")
    return [f"upgrade to two replicas and rollback: {seen}"]


def change_account(context: StageContext) -> list[str]:
    """Another service account and back; every pod of the release is replaced, the stores' too.

    A hook before the upgrade that needs the new account would wait for it in vain.
    """
    kube, before = context.kube, context.release.revision()
    context.release.set("serviceAccount.name=another", seconds=900)
    kube.until("a predictor under the new account", lambda: _with_account(kube, "another"), 400)
    context.release("rollback", NAME, str(before), "--timeout", "900s", seconds=930)
    kube.until("every predictor under the former account", lambda: not _with_account(kube, "another"), 400)
    return ["every pod was replaced by one under another account, and by one under the former"]


def _with_account(kube: Kube, account: str) -> list[str]:
    """Predictors that are ready under an account."""
    pods = {pod["metadata"]["name"] for pod in kube.pods(PREDICTOR) if pod["spec"]["serviceAccountName"] == account}
    return [name for name in kube.ready(PREDICTOR) if name in pods]


def kill_redis(context: StageContext) -> list[str]:
    """Without Redis the server answers with degraded forecasts; with Redis back they are fresh again."""
    kube = context.kube
    with traffic(context.ask, context.gateway) as seen:
        time.sleep(3)
        kube("scale", "statefulset", f"{NAME}-redis", "--replicas", "0")
        kube("delete", "pod", f"{NAME}-redis-0", "--grace-period=0", "--force", "--ignore-not-found", seconds=60)
        kube.until("degraded answers", lambda: any(seen.degraded[-20:]), 90)
        time.sleep(5)
        without = seen.degraded[-20:]
        kube("scale", "statefulset", f"{NAME}-redis", "--replicas", "1")
        kube.until("Redis back", lambda: kube.ready("app.kubernetes.io/component=redis"), 120)
        kube.until("fresh answers", lambda: not any(seen.degraded[-20:]), 120)
    if seen.failed:
        raise Failure(f"requests failed while Redis was away: {seen}")
    if not all(without):
        raise Failure("answers were not marked as degraded while Redis was away")
    return [f"Redis killed and back: {seen}, {sum(seen.degraded)} of them degraded"]


def kill_predictor(context: StageContext) -> list[str]:
    """One of two predictors is killed: only the requests that it was answering may fail."""
    kube = context.kube
    context.release.set(f"models.{MODEL}.replicas=2")
    kube.until("two predictors", lambda: len(kube.ready(PREDICTOR)) == 2, 180)
    with traffic(context.ask, context.gateway) as seen:
        time.sleep(3)
        kube("delete", "pod", kube.ready(PREDICTOR)[0], "--grace-period=0", "--force", seconds=60)
        kube.until("two predictors again", lambda: len(kube.ready(PREDICTOR)) == 2, 180)
        time.sleep(5)
    if seen.failed > MOST_IN_FLIGHT:
        raise Failure(f"a killed predictor failed more than what it was answering: {seen}")
    return [f"one predictor of two killed: {seen}"]
