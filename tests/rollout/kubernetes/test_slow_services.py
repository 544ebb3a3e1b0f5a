"""One service that is slow, or hangs, holds up no other, and the operator's probe says which."""

import asyncio
from collections.abc import Iterator
from threading import Event
from typing import Any

import kopf
import pytest

from rollout.kubernetes import operator
from rollout.kubernetes.api import Api
from rollout.kubernetes.events import Events
from rollout.kubernetes.health import Unhealthy
from rollout.kubernetes.operator import Operator
from rollout.kubernetes.rounds import SLOW_SECONDS, ClusterSplitter, Rounds
from rollout.kubernetes.service_threads import ServiceThreads
from rollout.kubernetes.settings import OperatorSettings
from rollout.splitter import SplitError
from tests.rollout.fakes import FakeSources, RolloutWorld, sources
from tests.rollout.kubernetes.cluster import NAMESPACE, Cluster
from tests.waiting import eventually

PATIENCE = 0.02


class Hanging:
    """A splitter of which one service never answers, until it is released."""

    def __init__(self) -> None:
        self.released = Event()
        self.asked: list[str] = []

    def __call__(self, api: Api, service: str, model: str) -> ClusterSplitter:
        self.asked.append(service)
        if service == "slow":
            self.released.wait()
        raise SplitError(f"{service} is asked")


@pytest.fixture
def hanging() -> Iterator[Hanging]:
    found = Hanging()
    yield found
    found.released.set()


def rounds_of(hanging: Hanging, services: list[str]) -> Rounds:
    api = Api(NAMESPACE, Cluster())
    models = dict.fromkeys(services, "match-outcome")
    return Rounds(api, sources(RolloutWorld()), Events(api, "me"), models, hanging, patience=PATIENCE)


def test_one_that_hangs_holds_up_no_other(hanging: Hanging) -> None:
    others = [f"quick-{count}" for count in range(12)]
    rounds = rounds_of(hanging, ["slow", *others])
    for _ in range(5):
        rounds.run_once()
    eventually(lambda: all(hanging.asked.count(other) >= 5 for other in others) or rounds.run_once())
    eventually(lambda: set(rounds.threads.slow(0.0)) == {"slow"})
    assert hanging.asked.count("slow") == 1


def test_one_that_comes_back_is_asked_again(hanging: Hanging) -> None:
    rounds = rounds_of(hanging, ["slow"])
    rounds.run_once()
    assert not rounds.threads.wait(0.01)
    hanging.released.set()
    assert rounds.threads.wait(60.0)
    rounds.run_once()
    assert rounds.threads.wait(60.0)
    assert hanging.asked.count("slow") >= 2 and rounds.threads.slow(0.0) == {}


def test_rounds_of_one_service_never_overlap_and_what_they_raise_is_raised() -> None:
    threads, running, most = ServiceThreads(), [0], [0]

    def act() -> None:
        running[0] += 1
        most[0] = max(most[0], running[0])
        running[0] -= 1

    for _ in range(50):
        threads.run({"one": act}, patience=0.0)
    threads.run({"one": act})
    assert most == [1]

    def fail() -> None:
        raise SystemExit("it is over")

    with pytest.raises(SystemExit, match="it is over"):
        threads.run({"one": fail})


def test_the_probe_names_a_slow_service_and_fails_for_a_stuck_one(
    hanging: Hanging, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    fake: Any = FakeSources(RolloutWorld())
    monkeypatch.setattr(operator, "KubernetesClient", Cluster)
    monkeypatch.setattr(operator, "open_cluster_sources", lambda *_: fake)
    one = Operator(OperatorSettings(namespace=NAMESPACE, name="one", health_port=0))
    one._rounds = rounds_of(hanging, ["slow", "quick"])
    one._rounds.threads._clock = lambda: clock[0]

    one._rounds.run_once()
    assert one.check_health()["slowServices"] == {}
    clock[0] = 1.0
    eventually(lambda: set(one._rounds.threads.slow(0.5)) == {"slow"})
    clock[0] = SLOW_SECONDS + 1
    assert one.check_health()["slowServices"] == {"slow": SLOW_SECONDS + 1}
    clock[0] = operator.STUCK_SECONDS + 1
    with pytest.raises(Unhealthy, match="a round is under way of slow for 601 s"):
        one.check_health()
    hanging.released.set()
    assert one._rounds.threads.wait(60.0)
    assert one.check_health()["slowServices"] == {}


def test_the_lease_is_kept_while_a_round_is_under_way(hanging: Hanging, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another operator must not act while this one may still write; it takes over when the lease expires."""
    cluster = Cluster()
    fake: Any = FakeSources(RolloutWorld())
    monkeypatch.setattr(operator, "KubernetesClient", lambda: cluster)
    monkeypatch.setattr(operator, "open_cluster_sources", lambda *_: fake)
    monkeypatch.setattr(operator, "END_SECONDS", 0.05)

    async def play(free: bool) -> str:
        one = Operator(OperatorSettings(namespace=NAMESPACE, name="one", health_port=0, interval_seconds=0.05))
        one._rounds = rounds_of(hanging, ["slow"])
        await one._start(settings=kopf.OperatorSettings())
        while "slow" not in one._rounds.threads._running:
            await asyncio.sleep(0.01)
        if free:
            hanging.released.set()
            await asyncio.to_thread(one._rounds.threads.wait, 60.0)
        await one._stop()
        return str(cluster.get("leases", "matchday-rollout")["spec"]["holderIdentity"])

    assert asyncio.run(play(free=False)).startswith("one-")
    cluster.get("leases", "matchday-rollout")["spec"]["holderIdentity"] = ""
    assert asyncio.run(play(free=True)) == ""
