"""The operator's rounds over a cluster in this process, killed and started anew as often as asked."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from rollout.kubernetes.api import Api
from rollout.kubernetes.events import Events
from rollout.kubernetes.model_rollout import state_of
from rollout.kubernetes.rounds import ClusterSplitter, Rounds
from rollout.kubernetes.splitters.knative import KnativeSplitter
from rollout.kubernetes.splitters.standard import StandardSplitter
from rollout.sources import Sources
from rollout.state import State
from tests.rollout.fakes import FakeSources, FakeVersions, Killed, World
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
}
STEP_SECONDS = 5.0


@dataclass
class Play:
    """A cluster with its registry, and whoever acts on it."""

    cluster: Cluster = field(default_factory=Cluster)
    world: World = field(default_factory=World)
    phases: list[tuple[str, int]] = field(default_factory=list)
    kills: int = 0

    def __post_init__(self) -> None:
        self.rounds = self.process()

    def process(self, fence: Callable[[], None] = lambda: None) -> Rounds:
        """An operator."""
        api = Api(NAMESPACE, self.cluster, fence)
        sources = FakeSources(self.world)
        given = Sources(sources, sources, sources, FakeVersions(self.world))
        return Rounds(api, given, Events(api, "me"), [(SERVICE, SERVICE)], self.splitter, lambda: self.cluster.clock)

    def splitter(self, api: Api, service: str, model: str) -> ClusterSplitter:
        servers: Any = self.cluster
        if self.cluster.mode == "Knative":
            return KnativeSplitter(api, service, model, servers)
        return StandardSplitter(api, service, model, servers, lambda: self.cluster.clock)

    def ask(self, name: str = "try", **changes: Any) -> None:
        """Make a ModelRollout."""
        self.cluster.put("modelrollouts", name, {"spec": {**SPEC, **changes}}, uid="u", annotations={})

    def annotate(self, key: str, value: str, name: str = "try") -> None:
        self.cluster.get("modelrollouts", name)["metadata"]["annotations"][f"rollout.matchday.io/{key}"] = value

    def step(self, requests: int = 20_000) -> None:
        """A round, and what the world does meanwhile."""
        try:
            self.rounds.once()
        except Killed:
            self.kills += 1
            self.rounds = self.process()
        self.cluster.settle()
        self.cluster.clock += STEP_SECONDS
        self.world.now = self.cluster.clock
        shares = self.cluster.shares()
        self.world.stable, self.world.candidate = "1", "2"
        self.world.weight = shares.get("2", 0)
        self.world.passed(0, requests)
        for thing in self.cluster.having("modelrollouts"):
            state = state_of(thing)
            if not self.phases or self.phases[-1] != (str(state.phase), state.weight):
                self.phases.append((str(state.phase), state.weight))

    def until(self, *phases: str, most: int = 120, name: str = "try") -> State:
        """Play on until the rollout is there."""
        for _ in range(most):
            self.step()
            if str(self.state(name).phase) in phases:
                return self.state(name)
        raise AssertionError(f"not {phases} but {self.state(name).phase}: {self.state(name).reason}")

    def state(self, name: str = "try") -> State:
        return state_of(self.cluster.get("modelrollouts", name))

    def events(self) -> list[str]:
        return [f"{each['type']} {each['reason']}" for each in self.cluster.having("events")]
