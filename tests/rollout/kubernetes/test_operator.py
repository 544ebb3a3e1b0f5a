"""The operator's process: it acts while it holds the lease, wakes up for people, and leaves in order."""

import asyncio
from pathlib import Path
from typing import Any

import kopf
import pytest

from rollout.kubernetes import __main__ as process
from rollout.kubernetes import operator
from rollout.kubernetes.api import Api
from rollout.kubernetes.client import ApiError
from rollout.kubernetes.health import Unhealthy
from rollout.kubernetes.lease import Lease
from rollout.kubernetes.operator import Operator
from rollout.kubernetes.settings import OperatorSettings
from rollout.observations.gateway_meter import GatewayMeter
from rollout.sources import Sources
from tests.rollout.fakes import FakeSources, FakeVersions, RolloutWorld
from tests.rollout.kubernetes.cluster import NAMESPACE, Cluster
from tests.waiting import eventually_on_loop


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """A cluster with nothing to do."""
    found, world = Cluster(), RolloutWorld()
    fake = FakeSources(world)
    monkeypatch.setattr(operator, "KubernetesClient", lambda: found)
    monkeypatch.setattr(operator, "open_cluster_sources", lambda *_: Sources(fake, fake, fake, FakeVersions(world)))
    return found


def made(name: str = "one") -> Operator:
    return Operator(OperatorSettings(namespace=NAMESPACE, interval_seconds=0.05, name=name, health_port=0))


def held_by(cluster: Cluster) -> str:
    lease = cluster.objects.get(("leases", "matchday-rollout"))
    return str(lease["spec"]["holderIdentity"]) if lease else ""


def test_it_acts_while_it_holds_the_lease_and_gives_it_up_at_the_end(cluster: Cluster) -> None:
    async def play() -> None:
        one, two, looks = made(), made("two"), {"one": 0, "two": 0}
        for name, each in (("one", one), ("two", two)):
            each._rounds.run_once = lambda name=name: looks.update({name: looks[name] + 1})  # type: ignore[method-assign]
        await one._start(settings=kopf.OperatorSettings())
        await eventually_on_loop(lambda: looks["one"] > 2)
        assert held_by(cluster).startswith("one-")
        await two._start(settings=kopf.OperatorSettings())
        await asyncio.sleep(0.3)
        assert looks["two"] == 0
        await one._stop()
        assert held_by(cluster) == ""
        seen = looks["one"]
        await asyncio.sleep(0.2)
        assert looks["one"] == seen
        await two._stop()

    asyncio.run(play())


def test_kopf_is_told_to_write_nothing_of_its_own(cluster: Cluster) -> None:
    async def play() -> None:
        one, settings = made(), kopf.OperatorSettings()
        await one._start(settings=settings)
        await one._stop()
        assert (settings.posting.enabled, settings.scanning.disabled) == (False, True)

    asyncio.run(play())
    registry = made()._registry()
    assert registry._watching.has_handlers  # events alone: no finalizer, no annotation
    assert not list(registry._changing.get_all_handlers())
    assert not list(registry._spawning.get_all_handlers())


def test_it_wakes_for_what_people_change_and_not_for_its_own_status(cluster: Cluster) -> None:
    async def play() -> None:
        one = made()
        one._wake = asyncio.Event()

        async def seen(**meta: Any) -> bool:
            one._wake.clear()
            await one._notice_change(body={"metadata": {"name": "try", **meta}})  # type: ignore[arg-type]
            return one._wake.is_set()

        assert await seen(generation=1)
        assert not await seen(generation=1, resourceVersion="9")
        assert await seen(generation=2)
        assert await seen(generation=2, annotations={"rollout.matchday.io/paused": "true"})
        assert await seen(generation=2, annotations={}, deletionTimestamp="now")

    asyncio.run(play())


def test_an_operator_that_hangs_says_so(cluster: Cluster) -> None:
    one = made()
    assert one.check_health()["secondsSinceLastPass"] < 60
    one._last_round -= 1000
    with pytest.raises(Unhealthy, match="no round for 1000 s"):
        one.check_health()


def test_without_a_cluster_it_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def nowhere() -> None:
        raise ApiError("no cluster to ask: set KUBECONFIG")

    monkeypatch.setattr(operator, "KubernetesClient", nowhere)
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    assert process.main() == 2
    assert capsys.readouterr().err == "matchday rollout: no cluster to ask: set KUBECONFIG\n"


@pytest.mark.parametrize(
    ("url", "metrics", "counted"),
    [("http://127.0.0.1:1", True, True), ("http://127.0.0.1:1", False, False), ("", True, False)],
)
def test_the_gateway_is_read_where_a_prometheus_has_its_counters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, metrics: bool, counted: bool
) -> None:
    monkeypatch.setenv("MATCHDAY_HOME", str(tmp_path))
    settings = OperatorSettings(namespace=NAMESPACE, prometheus_url=url, gateway_metrics=metrics)
    gateway = operator.open_cluster_sources(settings, Lease(Api(NAMESPACE, Cluster()), "any", "me"), NAMESPACE).gateway
    assert isinstance(gateway, GatewayMeter) is counted
    assert counted or gateway is None
