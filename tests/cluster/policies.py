"""Stages about the chart's NetworkPolicies: each refuses a connection, and lets through those that are meant."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from tests.cluster import probe
from tests.cluster.context import StageContext
from tests.cluster.forecasts import MODEL
from tests.cluster.kube import Kube
from tests.cluster.probe import Address, Probe
from tests.cluster.release import NAME
from tests.cluster.shell import Failure

COMPONENT = "app.kubernetes.io/component"
PORTS = {"redis": 6379, "database": 5432, "bucket": 7070, "mlflow": 5000, "predictor": 8080, "rollout": 8090}
"""Port of each part; the operator's is that of its health, which the kubelet alone asks for."""

ALLOWED = {
    "job": {"redis", "database", "bucket", "mlflow"},
    "mlflow": {"database", "bucket"},
    "predictor": {"redis", "mlflow"},
    "rollout": {"bucket", "mlflow", "predictor"},
    "test": {"predictor"},
    "redis": set[str](),
}
"""What a pod of each part is meant to reach, of the others and of a pod outside. The last stands for the three stores,
which call nobody."""

RUNS = {"redis", "bucket", "mlflow"}
"""What a pod of a pipeline's run is meant to reach."""

OUTSIDE, SOURCE, BROKER = "outside", "source", "kafka"
BROKER_PORT = 9092
UNENFORCED = "skipped: nothing enforces NetworkPolicies here"
FREE, DENIED = "free", "denied"
"""Two pods of another namespace: no policy holds for the first, and one that allows nothing for the second, which tells
whether policies are enforced at all."""


def refuse(context: StageContext) -> list[str]:
    """Every pair of a pod and a part is tried: only what is meant gets through. Skipped where nothing enforces that."""
    with _elsewhere(context) as guest:
        image = "{repository}:{tag}".format(**context.images()["serving"])
        guest.apply(probe.deny_all(DENIED))
        targets = {part: _address(context.kube, part) for part in PORTS}
        targets[OUTSIDE] = probe.listener(guest, "listener", image)
        probes = [*_probes(context, guest)]
        reached = _try(probes, targets, image)
    if OUTSIDE not in reached[FREE]:
        raise Failure("a pod that no policy holds for does not reach another of its namespace")
    if OUTSIDE in reached[DENIED]:
        return [UNENFORCED]
    if wrong := [line for each in probes for line in _differences(each, reached[each.name])]:
        raise Failure("; ".join(wrong))
    allowed = sum(len(each.allowed) for each in probes)
    return [f"{allowed} connections that are meant were made, {len(probes) * len(targets) - allowed} others refused"]


def reach_source(context: StageContext, selector: str, port: int) -> str:
    """Of the pods of CronJobs that of `ingest` alone reaches a source, a pod with these labels. Skipped as above."""
    probes = []
    for pipeline in ("ingest", "materialise"):
        labels = {**_own("recurring"), "matchday.io/pipeline": pipeline}
        probes.append(Probe(context.kube, f"probe-{pipeline}", labels, {SOURCE} if pipeline == "ingest" else set()))
    enforced = _reach(context, SOURCE, probe.address_of(context.kube, selector, port), probes)
    return "of the pods that run by the clock that of ingest alone reaches the sources" if enforced else UNENFORCED


def reach_broker(context: StageContext) -> str:
    """What streams reaches the chart's Kafka, and MLflow does not. Skipped as above."""
    allowed: dict[str, set[str]] = {"stream": {BROKER}, "mlflow": set()}
    probes = [Probe(context.kube, f"probe-{part}", _own(part), reached) for part, reached in allowed.items()]
    address = probe.address_of(context.kube, f"{COMPONENT}={BROKER}", BROKER_PORT)
    return "what streams reaches Kafka, and MLflow does not" if _reach(context, BROKER, address, probes) else UNENFORCED


def _reach(context: StageContext, target: str, address: Address, probes: Sequence[Probe]) -> bool:
    """Try one target from some pods. False where nothing enforces policies. Raises Failure for what is not meant."""
    image = "{repository}:{tag}".format(**context.images()["serving"])
    context.kube.apply(probe.deny_all(DENIED))
    try:
        denied = Probe(context.kube, DENIED, {"probe": DENIED}, set())
        reached = _try([denied, *probes], {target: address}, image)
    finally:
        context.kube("delete", "networkpolicy", DENIED, "--ignore-not-found")
    if target in reached[DENIED]:
        return False
    if wrong := [line for each in probes for line in _differences(each, reached[each.name])]:
        raise Failure("; ".join(wrong))
    return True


def _try(probes: Sequence[Probe], targets: Mapping[str, Address], image: str) -> dict[str, set[str]]:
    """What each probe reaches, by its name. They are gone afterwards."""
    try:
        for each in probes:
            each.begin(image)
        for each in probes:
            each.kube.until(f"{each.name} running", each.runs, 90)
        with ThreadPoolExecutor(len(probes)) as pool:
            found = pool.map(lambda each: _settled(each, targets), probes)
            return dict(zip([each.name for each in probes], found, strict=True))
    finally:
        for each in probes:
            each.remove()


def _probes(context: StageContext, guest: Kube) -> Iterator[Probe]:
    """A pod of each part of the chart, one of a pipeline's run, and two of another namespace."""
    yield Probe(guest, FREE, {"probe": FREE}, {OUTSIDE})
    yield Probe(guest, DENIED, {"probe": DENIED}, set())
    runs = Kube("kubeflow") if context.kfp else context.kube
    yield Probe(runs, f"{context.kube.namespace}-run", {"pipeline/runid": "probe"}, {*RUNS, OUTSIDE})
    for part, allowed in ALLOWED.items():
        yield Probe(context.kube, f"probe-{part}", {**_own(part), **_of_model(part)}, allowed)


def _own(part: str) -> dict[str, str]:
    """Labels of the release's pods of a part."""
    return {"app.kubernetes.io/name": "matchday", "app.kubernetes.io/instance": NAME, COMPONENT: part}


def _of_model(part: str) -> dict[str, str]:
    return {"matchday.io/inference-service": MODEL} if part == "predictor" else {}


def _address(kube: Kube, part: str) -> Address:
    return probe.address_of(kube, f"{COMPONENT}={part}", PORTS[part])


def _settled(each: Probe, targets: Mapping[str, Address]) -> set[str]:
    """What a pod reaches; asked again where that is unexpected, as its address may have been unknown yet."""
    first = each.reached(targets)
    return first if first == set(each.allowed) else each.reached(targets)


def _differences(each: Probe, reached: set[str]) -> Iterator[str]:
    for target in sorted(reached ^ set(each.allowed)):
        yield f"{each.name} {'reaches' if target in reached else 'does not reach'} {target}"


@contextmanager
def _elsewhere(context: StageContext) -> Iterator[Kube]:
    """Another namespace for the time of the block."""
    guest = Kube(f"{context.kube.namespace}-guest")
    guest.create()
    try:
        yield guest
    finally:
        guest("delete", "namespace", guest.namespace, "--wait=false")
