"""Simulation of operators over a cluster in this process, killed and started again on request."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from rollout.kubernetes.api import Api
from rollout.kubernetes.events import Events
from rollout.kubernetes.metrics import OperatorMetrics
from rollout.kubernetes.model_rollout import state_of
from rollout.kubernetes.rounds import ClusterSplitter, Rounds
from rollout.kubernetes.splitters.knative import KnativeSplitter
from rollout.kubernetes.splitters.standard import StandardSplitter
from rollout.state import State
from tests.rollout.fakes import ProcessKilled, RolloutWorld, sources
from tests.rollout.kubernetes.cluster import NAMESPACE, SERVICE, Cluster

SPEC = {
    "inferenceService": SERVICE,
    "model": SERVICE,
    "candidate": "2",
    "promotion": "Automatic",
    "shadow": {"rows": 400, "historyWeeks": 0},
    "steps": [{"weight": 20, "holdSeconds": 10}, {"weight": 50, "holdSeconds": 10}],
    "readySeconds": 120,
    "promotionSeconds": 600,
    "bakeSeconds": 0,
}
ROUND_SECONDS = 5.0

both_modes = pytest.mark.parametrize("mode", ["Standard", "Knative"])


@dataclass
class Simulation:
    """A cluster, its registry, and the operator that acts on it.

    versions: of champion and candidate. kept: model of each service that the operator prepares.
    others: services in which it only ends what deleted rollouts left.
    """

    cluster: Cluster = field(default_factory=Cluster)
    world: RolloutWorld = field(default_factory=RolloutWorld)
    phases: list[tuple[str, int]] = field(default_factory=list)
    kills: int = 0
    versions: tuple[str, str] = ("1", "2")
    kept: dict[str, str] = field(default_factory=lambda: {SERVICE: SERVICE})
    namespace: str = NAMESPACE
    others: tuple[str, ...] = ()
    metrics: OperatorMetrics | None = None

    def __post_init__(self) -> None:
        self.rounds = self.operator()

    def operator(self, fence: Callable[[], None] = lambda: None) -> Rounds:
        """The rounds of another operator process."""
        api = Api(self.namespace, self.cluster, fence)
        events = Events(api, "me")
        return Rounds(
            *(api, sources(self.world), events, self.kept, self.splitter, lambda: self.cluster.clock),
            metrics=self.metrics,
            others=self.others,
        )

    def splitter(self, api: Api, service: str, model: str, candidate_uri: str = "") -> ClusterSplitter:
        probe: Any = self.cluster
        if self.cluster.mode == "Knative":
            return KnativeSplitter(api, service, model, probe)
        return StandardSplitter(api, service, model, probe, lambda: self.cluster.clock, candidate_uri)

    def create(self, name: str = "try", **changes: Any) -> None:
        """Create a ModelRollout."""
        self.cluster.put("modelrollouts", name, {"spec": {**SPEC, **changes}}, uid="u", annotations={})

    def annotate(self, key: str, value: str, name: str = "try") -> None:
        self.cluster.get("modelrollouts", name)["metadata"]["annotations"][f"rollout.matchday.io/{key}"] = value

    def step(self, requests: int = 20_000) -> None:
        """One round of the operator; then controllers act, and people send requests."""
        try:
            self.rounds.run_once()
        except ProcessKilled:
            self.kills += 1
            self.rounds = self.operator()
        self.cluster.settle()
        self.cluster.clock += ROUND_SECONDS
        self.world.now = self.cluster.clock
        self.world.stable, self.world.candidate = self.versions
        self.world.weight = self.cluster.shares().get(self.versions[1], 0)
        self.world.passed(0, requests)
        for thing in self.cluster.having("modelrollouts"):
            state = state_of(thing)
            if not self.phases or self.phases[-1] != (str(state.phase), state.weight):
                self.phases.append((str(state.phase), state.weight))

    def until(self, *phases: str, most: int = 120, name: str = "try") -> State:
        """Steps until the rollout is in one of these phases."""
        for _ in range(most):
            self.step()
            if str(self.state(name).phase) in phases:
                return self.state(name)
        raise AssertionError(f"not {phases} but {self.state(name).phase}: {self.state(name).reason}")

    def until_gate(self, most: int = 120) -> State:
        """Steps until the rollout waits for approval."""
        for _ in range(most):
            if self.state().gate:
                return self.state()
            self.step()
        raise AssertionError(f"no gate but {self.state().phase}: {self.state().reason}")

    def state(self, name: str = "try") -> State:
        return state_of(self.cluster.get("modelrollouts", name))

    def events(self) -> list[str]:
        return [f"{each['type']} {each['reason']}" for each in self.cluster.having("events")]

    def assert_serves_only(self, version: str) -> None:
        """All requests go to one version, which the stable pods are pinned to; nothing of the other is left."""
        for _ in range(8):
            self.step()
        assert self.cluster.shares().keys() == {version}
        assert self.cluster.pin == version
        assert not self.cluster.service["spec"].get("canary")
        assert "canaryTrafficPercent" not in self.cluster.predictor
        assert self.world.champion == version


def simulate(mode: str, **given: Any) -> Simulation:
    """A simulation in a mode; given: fields of the cluster."""
    return Simulation(Cluster(mode=mode, **given))
