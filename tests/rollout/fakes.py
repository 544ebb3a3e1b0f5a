"""In-memory world for rollouts: registry, servers, sources, store and workspace, with faults and kills on request."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from matchday.errors import MatchdayError
from rollout.judge import Cohort, Finding, Histogram, Judgement, Observation, Pairs, Verdict
from rollout.sources import PanelRequest, Sources
from rollout.splitter import Endpoints, Readiness, SplitError
from rollout.state import Commands, State
from rollout.store import Conflict

BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1)


class ProcessKilled(BaseException):
    """The process is gone."""


class RolloutWorld:
    """What outlives a process.

    faults: names of operations that fail now. kill: called at each point where a process may be killed. served:
    requests so far, by version. restarts: of the candidate's servers. failures: of
    requests, by version, as the gateway saw them. mirror: percent of requests that are copied to the candidate.
    mirrored: copies so far, by version. known_rows: how many rows there are to replay.
    replays: when they were asked for. panels: those that were asked. envoy: whether it runs.
    """

    def __init__(self, champion: str = "1") -> None:
        self.champion = champion
        self.known = {"1", "2", "3"}
        self.aliases = {"challenger": "2"}
        self.marked: dict[str, float] = {}
        self.stable = champion
        self.candidate = ""
        self.weight = 0
        self.mirror = 0
        self.mirrored: dict[str, int] = {}
        self.ready = True
        self.permanent = False
        self.faults: set[str] = set()
        self.served: dict[str, int] = {}
        self.errors: dict[str, float] = {}
        self.restarts: dict[str, int] = {}
        self.failures: dict[str, int] = {}
        self.known_rows = 10_000
        self.panels: list[tuple[PanelRequest, ...]] = []
        self.replays: list[float] = []
        self.now = 1000.0
        self.leased = False
        self.envoy = True
        self.kill: Callable[[str], None] = lambda point: None

    def at(self, point: str) -> None:
        """A point at which a process may be killed, and its operation may fail."""
        self.kill(f"before {point}")
        if point in self.faults:
            raise SplitError(f"{point} does not work")

    def passed(self, seconds: float = 10.0, requests: int = 20_000) -> None:
        """Let time pass, in which people send requests."""
        self.now += seconds
        share = self.weight * requests // 100 if self.candidate else 0
        for version, more in ((self.stable, requests - share), (self.candidate, share)):
            if version:
                self.served[version] = self.served.get(version, 0) + more
        copied = self.mirror * (requests - share) // 100 if self.candidate else 0
        self.mirrored[self.candidate] = self.mirrored.get(self.candidate, 0) + copied


@dataclass
class FakeEnvoy:
    """A gateway over the world."""

    world: RolloutWorld

    @property
    def is_running(self) -> bool:
        return self.world.envoy

    def counters(self, suffix: str) -> dict[str, int]:
        self.world.at("gateway")
        return {f"cluster.version-{version}.{suffix}": count for version, count in self.world.failures.items()}


@dataclass
class FakeSplitter:
    """A splitter over the world."""

    world: RolloutWorld
    limitations: tuple[str, ...] = ()
    mirrors: bool = True

    @property
    def envoy(self) -> FakeEnvoy:
        return FakeEnvoy(self.world)

    def open(self, version: str) -> None:
        self.world.at("open")
        self.world.envoy = True
        self._serve_only(version)

    def check(self, stable: str) -> None:
        self.world.at("check")

    def deploy(self, version: str) -> None:
        self.world.at("deploy")
        self.world.candidate = version
        self.world.kill("after deploy")

    def readiness(self) -> Readiness:
        self.world.at("readiness")
        return Readiness(self.world.ready, "" if self.world.ready else "it says nothing", self.world.permanent)

    def serving(self) -> Readiness:
        self.world.at("serving")
        return Readiness(self.world.ready, "" if self.world.ready else "it says nothing", self.world.permanent)

    def split(self, weight: int, mirror: int = 0) -> bool:
        self.world.at("split")
        self.world.weight, self.world.mirror = weight, mirror
        self.world.kill("after split")
        return True

    def endpoints(self) -> Endpoints:
        return Endpoints((f"http://{self.world.stable}",), (f"http://{self.world.candidate}",))

    def restarts(self, promoted: bool = False) -> Mapping[str, int]:
        self.world.at("restarts")
        return dict(self.world.restarts)

    def promote(self, version: str) -> bool:
        self.world.at("promote")
        return self._serve_only(version)

    def roll_back(self, stable: str) -> bool:
        self.world.at("roll back")
        return self._serve_only(stable)

    def _serve_only(self, version: str) -> bool:
        self.world.weight, self.world.stable = 0, version
        self.world.kill("before the other server ends")
        self.world.candidate = ""
        self.world.kill("after the other server ended")
        return True


@dataclass
class FakeVersions:
    """A registry over the world."""

    world: RolloutWorld

    def champion(self, model: str) -> str:
        self.world.at("champion")
        return self.world.champion

    def resolve(self, model: str, candidate: str) -> str:
        version = self.world.aliases.get(candidate, candidate)
        if version not in self.world.known:
            raise MatchdayError(f"{model} has no version {candidate}")
        return version

    def promote(self, model: str, version: str) -> None:
        self.world.at("alias")
        self.world.champion = version
        self.world.aliases = {name: other for name, other in self.world.aliases.items() if other != version}
        self.world.kill("after alias")

    def restore_alias(self, model: str, alias: str, version: str) -> None:
        self.world.aliases.setdefault(alias, version)

    def rolled_back_at(self, model: str, version: str) -> float | None:
        return self.world.marked.get(version)

    def mark_rolled_back(self, model: str, version: str, when: float, reason: str) -> None:
        self.world.at("mark")
        self.world.marked[version] = when


@dataclass
class FakeSources:
    """Meter, replay and scores over the world."""

    world: RolloutWorld

    def read(self, model: str, version: str, endpoints: Sequence[str], mirrored: bool = False) -> Mapping[str, Cohort]:
        self.world.at("meter")
        served = self.world.served.get(version, 0) + (self.world.mirrored.get(version, 0) if mirrored else 0)
        wrong = round(served * self.world.errors.get(version, 0.0))
        return {endpoint: cohort(served, wrong) for endpoint in endpoints}

    def pairs(self, model: str, endpoints: Endpoints, rows: int) -> Pairs:
        self.world.at("replay")
        self.world.replays.append(self.world.now)
        return pairs(min(rows, self.world.known_rows))

    def history(self, model: str, stable: str, candidate: str, weeks: int) -> None:
        self.world.at("history")

    def live(self, model: str, stable: str, candidate: str) -> None:
        self.world.at("live scores")


def sources(world: RolloutWorld) -> Sources:
    fake = FakeSources(world)
    return Sources(fake, fake, fake, FakeVersions(world), panel=FakePanel(world))


class FakePanel:
    """Both versions answer a panel alike."""

    def __init__(self, world: RolloutWorld) -> None:
        self.world = world

    def pairs(self, model: str, endpoints: Endpoints, panel: tuple[PanelRequest, ...]) -> Pairs:
        self.world.at("replay")
        self.world.panels.append(panel)
        return pairs(sum(each["inputs"][0]["shape"][0] for each in panel))


@dataclass
class SavedText:
    """Content of a store, and how often it was written."""

    text: str = ""
    revision: int = 0


@dataclass
class MemoryStore:
    """A store that keeps text, as the real ones do; two stores with the same `saved` are those of two processes."""

    world: RolloutWorld
    given: Commands = field(default_factory=Commands)
    other: str = ""
    saved: SavedText = field(default_factory=SavedText)
    saves: list[State] = field(default_factory=list)
    _loaded: int = 0

    def load(self) -> State:
        self.world.kill("before load")
        self._loaded = self.saved.revision
        return self.state

    @property
    def state(self) -> State:
        """The saved state, read by a test."""
        return State.parse(json.loads(self.saved.text)) if self.saved.text else State()

    def save(self, state: State) -> None:
        self.world.kill("before save")
        if self._loaded != self.saved.revision:
            raise Conflict("somebody else was here")
        self.saved.text, self.saved.revision = json.dumps(state.to_dict()), self.saved.revision + 1
        self._loaded = self.saved.revision
        self.saves.append(state)
        self.world.kill("after save")

    def commands(self) -> Commands:
        return self.given

    def rival(self) -> str:
        return self.other


def cohort(requests: int, wrong: int = 0, seconds: float = 0.002) -> Cohort:
    """Requests of the same duration, some of which failed."""
    index = next((index for index, bound in enumerate(BOUNDS) if seconds <= bound), len(BOUNDS))
    counts = tuple(requests if index == place else 0 for place in range(len(BOUNDS) + 1))
    return Cohort(requests, {"internal_server_error": wrong}, Histogram(BOUNDS, counts))


def pairs(rows: int, swapped: bool = False) -> Pairs:
    """Forecasts of both versions: the same ones, or with home and away swapped."""
    home = np.linspace(0.2, 0.7, rows)
    stable = np.column_stack([home, np.full(rows, 0.25), 0.75 - home])
    return Pairs(stable, stable[:, ::-1].copy() if swapped else stable)


def judgement(verdict: Verdict) -> Judgement:
    return Judgement(verdict, f"it is a {verdict}", (Finding("errors", verdict, "as the test says"),))


def count_errors(observation: Observation, *_: object, **__: object) -> Judgement:
    """A quick judge in place of the real one, which has tests of its own."""
    canary = observation.canary
    if canary.failed > 0.05 * canary.requests:
        return judgement(Verdict.FAIL)
    return judgement(Verdict.PASS if observation.pairs is not None else Verdict.WAIT)
