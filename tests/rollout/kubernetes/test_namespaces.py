"""One operator, several namespaces: each has rounds of its own, and all show in the same metrics."""

import asyncio
from typing import Any

import kopf
import pytest

from rollout.kubernetes import operator
from rollout.kubernetes.operator import Operator
from rollout.kubernetes.settings import OperatorSettings
from rollout.sources import Sources
from tests.rollout.fakes import FakeSources, FakeVersions, RolloutWorld
from tests.rollout.kubernetes.cluster import NAMESPACE, SERVICE, Cluster
from tests.rollout.kubernetes.simulation import Simulation
from tests.rollout.kubernetes.test_metrics import read
from tests.waiting import eventually_on_loop


def phase_of(sim: Simulation, name: str, service: str, phase: str) -> float:
    labels = {"rollout": name, "service": service, "model": SERVICE, "phase": phase}
    return read(sim.rounds.metrics.text())["matchday_rollout_phase", frozenset(labels.items())]


def test_rollouts_of_the_same_name_in_two_namespaces_do_not_mix() -> None:
    own = Simulation()
    other = Simulation(namespace="sales", metrics=own.rounds.metrics, kept={})
    other.world.errors["2"] = 0.5
    for sim in (own, other):
        sim.create()
    other.until("RolledBack")
    own.until("Promoted", most=200)
    assert phase_of(own, "try", SERVICE, "Promoted") == 1
    assert phase_of(own, "sales/try", f"sales/{SERVICE}", "RolledBack") == 1
    own.assert_serves_only("2")
    other.assert_serves_only("1")


def test_a_deleted_rollout_of_one_namespace_leaves_those_of_the_other_in_the_metrics() -> None:
    own = Simulation()
    other = Simulation(namespace="sales", metrics=own.rounds.metrics, kept={})
    for sim in (own, other):
        sim.create()
        sim.step()
    del own.cluster.objects["modelrollouts", "try"]
    own.step()
    shown = {dict(labels).get("rollout") for _, labels in read(own.rounds.metrics.text())} - {None}
    assert shown == {"sales/try"}


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Namespaces whose sources were opened."""
    namespaces: list[str] = []
    fake = FakeSources(world := RolloutWorld())

    def open_sources(settings: OperatorSettings, lease: object, namespace: str) -> Sources:
        namespaces.append(namespace)
        return Sources(fake, fake, fake, FakeVersions(world))

    cluster = Cluster()
    monkeypatch.setattr(operator, "KubernetesClient", lambda: cluster)
    monkeypatch.setattr(operator, "open_cluster_sources", open_sources)
    return namespaces


def made(**given: Any) -> Operator:
    return Operator(OperatorSettings(namespace=NAMESPACE, interval_seconds=0.05, health_port=0, **given))


def test_every_namespace_is_watched_and_gets_rounds(opened: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    watched: list[str] = []
    monkeypatch.setattr(kopf, "run", lambda **given: watched.extend(given["namespaces"]))
    made(namespaces=["sales", NAMESPACE, "sales"]).run()
    assert opened == [NAMESPACE, "sales"]
    assert set(watched) == {NAMESPACE, "sales"}

    async def play() -> None:
        one, looks = made(namespaces=["sales"]), [0, 0]
        for index, each in enumerate(one._all_rounds):
            each.run_once = lambda index=index: looks.__setitem__(index, looks[index] + 1)  # type: ignore[method-assign]
        await one._start(settings=kopf.OperatorSettings())
        await eventually_on_loop(lambda: min(looks) > 1)
        await one._stop()

    asyncio.run(play())


def test_the_same_name_in_another_namespace_wakes_it_too(opened: list[str]) -> None:
    async def play() -> None:
        one, woken = made(namespaces=["sales"]), []
        one._wake = asyncio.Event()
        for namespace in (NAMESPACE, NAMESPACE, "sales", "sales"):
            one._wake.clear()
            meta = {"name": "try", "namespace": namespace, "generation": 1}
            await one._notice_change(body={"metadata": meta})  # type: ignore[arg-type]
            woken.append(one._wake.is_set())
        assert woken == [True, False, True, False]

    asyncio.run(play())
