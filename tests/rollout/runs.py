"""Runs of the real `Runner` in the in-memory world, killed and followed by another on request."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rollout.embedded.runner import Runner
from rollout.embedded.workspace import Busy
from rollout.reconciler import Reconciler
from rollout.spec import Spec
from rollout.state import State
from tests.rollout.fakes import FakeSplitter, MemoryStore, ProcessKilled, RolloutWorld, sources

MOST_ROUNDS = 60
NAME = "tried"


@dataclass
class FakeWorkspace:
    """A workspace over the world with one rollout; it is its own repository."""

    world: RolloutWorld
    asked: Spec
    kept: MemoryStore

    @property
    def rollouts(self) -> "FakeWorkspace":
        return self

    def spec(self, name: str) -> Spec:
        return self.asked

    def store(self, name: str) -> MemoryStore:
        return self.kept

    def splitter(self, service: str, model: str) -> FakeSplitter:
        return FakeSplitter(self.world)

    def check_no_rival(self, service: str, but: str = "") -> None:
        self.world.at("rival")

    @contextmanager
    def lease(self, service: str, name: str) -> Iterator[None]:
        """Released however the block ends, as the kernel does."""
        self.world.kill("before lease")
        if self.world.leased:
            raise Busy(f"service {service} is in the hands of another process")
        self.world.leased = True
        try:
            yield
        finally:
            self.world.leased = False


class RoundCounter:
    """In place of the event that stops a runner: time of the world passes, until the rounds are used up."""

    def __init__(self, world: RolloutWorld, most: int) -> None:
        self.world = world
        self.left = most

    def wait(self, seconds: float) -> bool:
        self.left -= 1
        if self.left > 0:
            self.world.passed()
        return self.left <= 0


def run(
    spec: Spec,
    world: RolloutWorld,
    store: MemoryStore,
    rounds: int = MOST_ROUNDS,
    watch: Callable[[State], None] = lambda state: None,
) -> list[str]:
    """Run a rollout by the real `Runner` to its end, or for so many rounds; a killed one is followed by another.

    Returns the points of the kills.
    """
    kills: list[str] = []
    stopped = RoundCounter(world, rounds)
    while stopped.left > 0:
        runner = Runner(
            FakeWorkspace(world, spec, store),  # type: ignore[arg-type]
            NAME,
            sources(world),
            watch=watch,
            clock=lambda: world.now,
            stopped=stopped,  # type: ignore[arg-type]
        )
        try:
            runner.run()
        except ProcessKilled as point:
            kills.append(str(point))
            continue
        break
    return kills


def reconciler(spec: Spec, world: RolloutWorld, store: MemoryStore) -> Reconciler:
    """The reconciler of one process."""
    return Reconciler(spec, FakeSplitter(world), sources(world), store, lambda: world.now)


def kill_at(index: int) -> Callable[[str], None]:
    """Kills once, at the n-th point that is passed."""
    left = [index]

    def kill(point: str) -> None:
        left[0] -= 1
        if left[0] == -1:
            raise ProcessKilled(point)

    return kill
