"""A world of its own for a rollout: versions, servers, sources, and a store, all in memory and as faulty as asked."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from matchday.errors import MatchdayError
from rollout.judge import Cohort, Finding, Histogram, Judgement, Pairs, Verdict
from rollout.reconciler import Reconciler
from rollout.sources import Sources
from rollout.spec import Spec
from rollout.splitter import Endpoints, Readiness, SplitError
from rollout.state import Commands, State
from rollout.store import Conflict

BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1)


class Killed(BaseException):
    """The process is gone."""


class World:
    """What outlives a process. faults: names of operations that fail now. served: requests so far, by version.

    known_rows: how many there are to ask for; replays: when they were.
    """

    def __init__(self, champion: str = "1") -> None:
        self.champion = champion
        self.known = {"1", "2", "3"}
        self.aliases = {"challenger": "2"}
        self.marked: dict[str, float] = {}
        self.stable = champion
        self.candidate = ""
        self.weight = 0
        self.ready = True
        self.permanent = False
        self.faults: set[str] = set()
        self.served: dict[str, int] = {}
        self.errors: dict[str, float] = {}
        self.known_rows = 10_000
        self.replays: list[float] = []
        self.now = 1000.0
        self.kill: Callable[[str], None] = lambda point: None

    def at(self, point: str) -> None:
        """Where a fault or a kill may be."""
        self.kill(f"before {point}")
        if point in self.faults:
            raise SplitError(f"{point} does not work")

    def passed(self, seconds: float = 10.0, requests: int = 20_000) -> None:
        """Time goes by, and people ask."""
        self.now += seconds
        share = self.weight * requests // 100 if self.candidate else 0
        for version, more in ((self.stable, requests - share), (self.candidate, share)):
            if version:
                self.served[version] = self.served.get(version, 0) + more


@dataclass
class FakeSplitter:
    """A splitter over the world."""

    world: World
    limitations: tuple[str, ...] = ()

    def check(self, stable: str) -> None:
        self.world.at("check")

    def deploy(self, version: str) -> None:
        self.world.at("deploy")
        self.world.candidate = version
        self.world.kill("after deploy")

    def readiness(self) -> Readiness:
        self.world.at("readiness")
        return Readiness(self.world.ready, "" if self.world.ready else "it says nothing", self.world.permanent)

    def split(self, weight: int) -> bool:
        self.world.at("split")
        self.world.weight = weight
        self.world.kill("after split")
        return True

    def endpoints(self) -> Endpoints:
        return Endpoints((f"http://{self.world.stable}",), (f"http://{self.world.candidate}",))

    def promote(self, version: str) -> bool:
        self.world.at("promote")
        return self._settle(version)

    def withdraw(self, stable: str) -> bool:
        self.world.at("withdraw")
        return self._settle(stable)

    def _settle(self, version: str) -> bool:
        self.world.weight, self.world.stable = 0, version
        self.world.kill("while it settles")
        self.world.candidate = ""
        self.world.kill("after it settled")
        return True


@dataclass
class FakeVersions:
    """A registry over the world."""

    world: World

    def champion(self, model: str) -> str:
        self.world.at("champion")
        return self.world.champion

    def resolve(self, model: str, candidate: str) -> str:
        version = self.world.aliases.get(candidate, candidate)
        if version not in self.world.known:
            raise MatchdayError(f"{model} has no version {candidate}")
        return version

    def crown(self, model: str, version: str) -> None:
        self.world.at("crown")
        self.world.champion = version
        self.world.aliases = {name: other for name, other in self.world.aliases.items() if other != version}
        self.world.kill("after crown")

    def restore(self, model: str, alias: str, version: str) -> None:
        self.world.aliases.setdefault(alias, version)

    def rolled_back(self, model: str, version: str) -> float | None:
        return self.world.marked.get(version)

    def mark_rolled_back(self, model: str, version: str, when: float, reason: str) -> None:
        self.world.at("mark")
        self.world.marked[version] = when


@dataclass
class FakeSources:
    """Meter, replay and scores over the world."""

    world: World

    def read(self, model: str, version: str, endpoints: Sequence[str]) -> Mapping[str, Cohort]:
        self.world.at("meter")
        served = self.world.served.get(version, 0)
        wrong = round(served * self.world.errors.get(version, 0.0))
        return {endpoint: cohort(served, wrong) for endpoint in endpoints}

    def pairs(self, model: str, endpoints: Endpoints, rows: int) -> Pairs:
        self.world.at("replay")
        self.world.replays.append(self.world.now)
        return pairs(min(rows, self.world.known_rows))

    def history(self, model: str, stable: str, candidate: str, weeks: int) -> None:
        return None

    def live(self, model: str, stable: str, candidate: str) -> None:
        return None


@dataclass
class Shelf:
    """What lies in a store: text, and how often it was written."""

    text: str = ""
    revision: int = 0


@dataclass
class MemoryStore:
    """A store that keeps text, as every other does; two of one shelf are those of two processes."""

    world: World
    asked: Commands = field(default_factory=Commands)
    other: str = ""
    shelf: Shelf = field(default_factory=Shelf)
    saves: list[State] = field(default_factory=list)
    _loaded: int = 0

    def load(self) -> State:
        self.world.kill("before load")
        self._loaded = self.shelf.revision
        return State.parse(json.loads(self.shelf.text)) if self.shelf.text else State()

    def save(self, state: State) -> None:
        self.world.kill("before save")
        if self._loaded != self.shelf.revision:
            raise Conflict("somebody else was here")
        self.shelf.text, self.shelf.revision = json.dumps(state.to_dict()), self.shelf.revision + 1
        self._loaded = self.shelf.revision
        self.saves.append(state)
        self.world.kill("after save")

    def requests(self) -> Commands:
        return self.asked

    def rival(self) -> str:
        return self.other


def cohort(requests: int, wrong: int = 0, seconds: float = 0.002) -> Cohort:
    """Requests that took about as long, some of them in vain."""
    place = next((index for index, bound in enumerate(BOUNDS) if seconds <= bound), len(BOUNDS))
    counts = tuple(requests if index == place else 0 for index in range(len(BOUNDS) + 1))
    return Cohort(requests, {"internal_server_error": wrong}, Histogram(BOUNDS, counts))


def pairs(rows: int, swapped: bool = False) -> Pairs:
    """Forecasts of both versions: the same, or with home and away in each other's place."""
    home = np.linspace(0.2, 0.7, rows)
    stable = np.column_stack([home, np.full(rows, 0.25), 0.75 - home])
    return Pairs(stable, stable[:, ::-1].copy() if swapped else stable)


def process(spec: Spec, world: World, store: MemoryStore) -> Reconciler:
    """A process that carries a rollout out; when it is killed, another is as good."""
    sources = FakeSources(world)
    return Reconciler(
        spec, FakeSplitter(world), Sources(sources, sources, sources, FakeVersions(world)), store, lambda: world.now
    )


def judgement(verdict: Verdict) -> Judgement:
    """What a judge says who was told what to say."""
    return Judgement(verdict, f"it is a {verdict}", (Finding("errors", verdict, "told to"),))


@contextmanager
def surviving(kills: list[str]) -> Iterator[None]:
    """A kill is noted, and nothing else."""
    try:
        yield
    except Killed as point:
        kills.append(str(point))
