"""Observer: a source that cannot be read blinds the checks that need it, and only in that round."""

from dataclasses import replace
from typing import Any

import pytest

from rollout import window
from rollout.embedded.envoy_statistics import EnvoyStatistics
from rollout.judge import Observation, Verdict
from rollout.reconciler import Reconciler
from rollout.sources import ReplayedRequests
from rollout.spec import Spec
from rollout.splitter import Endpoints
from rollout.state import Phase
from tests.rollout.fakes import FakeEnvoy, FakeSplitter, MemoryStore, RolloutWorld, cohort, judgement, sources
from tests.rollout.runs import reconciler
from tests.rollout.scenarios import GIVEN

SPEC = Spec.parse(GIVEN | {"shadow": {"rows": 400, "historyWeeks": 52}})


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[Observation]:
    """What the judge was asked; it waits."""
    observations: list[Observation] = []

    def judge(observation: Observation, *_: Any, **__: Any) -> Any:
        observations.append(observation)
        return judgement(Verdict.WAIT)

    monkeypatch.setattr(window, "judge", judge)
    return observations


@pytest.mark.parametrize(
    ("phase", "fault", "checks"),
    [
        (Phase.SHADOW, "history", {"history"}),
        (Phase.SHADOW, "replay", {"predictions"}),
        (Phase.PROGRESSING, "live scores", {"skill"}),
        (Phase.PROGRESSING, "meter", {"errors", "latency", "features"}),
    ],
)
def test_a_source_that_cannot_be_read_is_told_to_the_judge_until_it_is_back(
    seen: list[Observation], phase: Phase, fault: str, checks: set[str]
) -> None:
    world = RolloutWorld()
    store = MemoryStore(world)
    spec = SPEC if phase is Phase.SHADOW else SPEC.model_copy(update={"shadow": None})
    rollout = reconciler(spec, world, store)
    if phase is Phase.SHADOW:
        world.faults.add(fault)
    while not seen:
        rollout.reconcile()
        world.passed()
    world.faults.add(fault)
    blind = rollout.reconcile()
    assert blind.phase is phase
    assert set(seen[-1].unreadable) == checks
    assert f"{fault} does not work" in blind.problem
    world.faults.clear()
    assert rollout.reconcile().problem == ""
    assert seen[-1].unreadable == {}


def test_a_past_that_cannot_be_read_keeps_the_candidate_from_users() -> None:
    world = RolloutWorld()
    store = MemoryStore(world)
    world.known_rows = 10_000
    world.faults.add("history")
    spec = Spec.parse(GIVEN | {"shadow": {"rows": 400, "historyWeeks": 52}})
    rollout = reconciler(spec, world, store)
    for _ in range(6):
        state = rollout.reconcile()
        world.passed()
    assert (state.phase, state.verdict) == (Phase.SHADOW, "wait")
    assert "history: could not be read: history does not work" in state.reason
    world.faults.clear()
    for _ in range(2):
        state = rollout.reconcile()
    assert state.phase is Phase.PROGRESSING


@pytest.mark.parametrize("phase", [Phase.SHADOW, Phase.PROGRESSING])
def test_restarts_within_a_step_are_told_to_the_judge_whoever_carries_it_on(
    seen: list[Observation], phase: Phase
) -> None:
    world = RolloutWorld()
    world.restarts = {"pod-1": 1}
    store = MemoryStore(world)
    spec = SPEC if phase is Phase.SHADOW else SPEC.model_copy(update={"shadow": None})
    while not seen:
        reconciler(spec, world, store).reconcile()
        world.passed()
    first = seen[-1].restarts
    assert first is not None
    assert (first.before, first.within) == (1, 0)
    world.restarts = {"pod-1": 2, "pod-2": 0}
    assert reconciler(spec, world, store).reconcile().phase is phase
    world.restarts = {"pod-2": 0}
    reconciler(spec, world, store).reconcile()
    last = seen[-1].restarts
    assert last is not None
    assert last.within == 1


def test_a_candidate_that_restarts_between_two_looks_goes_back() -> None:
    world = RolloutWorld()
    store = MemoryStore(world)
    rollout = reconciler(SPEC.model_copy(update={"shadow": None}), world, store)
    while rollout.reconcile().phase is not Phase.PROGRESSING:
        world.passed()
    for _ in range(2):
        world.passed()
        rollout.reconcile()
    world.restarts = {"pod-1": 1}
    state = rollout.reconcile()
    assert (state.phase, state.reason.split(":")[0]) == (Phase.ROLLING_BACK, "restarts")


def test_failures_that_only_the_gateway_saw_count_from_when_the_window_opened(seen: list[Observation]) -> None:
    world = RolloutWorld()
    world.failures = {"1": 500, "2": 40}
    store = MemoryStore(world)
    spec = SPEC.model_copy(update={"shadow": None})

    def reconcile() -> None:
        gateway = EnvoyStatistics(FakeEnvoy(world))  # type: ignore[arg-type]
        given = replace(sources(world), gateway=gateway)
        Reconciler(spec, FakeSplitter(world), given, store, lambda: world.now).reconcile()
        world.passed()

    while not seen:
        reconcile()
    world.failures = {"1": 502, "2": 47}
    reconcile()
    assert seen[-1].gateway is not None
    assert (seen[-1].gateway.stable, seen[-1].gateway.canary) == (2, 7)
    world.faults.add("gateway")
    reconcile()
    assert set(seen[-1].unreadable) == {"errors"}
    assert "failed requests cannot be counted" in store.state.problem
    world.faults.clear()
    world.failures = {"1": 1, "2": 48}
    reconcile()
    last = seen[-1].gateway
    assert last is not None
    assert (last.stable, last.canary) == (3, 8)


class CountedLoad:
    """Replays requests that all take the same time; notes what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, int]] = []

    def replay(
        self, model: str, endpoints: Endpoints, done: int, requests: int, per_second: float, warm: int
    ) -> ReplayedRequests:
        self.asked.append((done, requests))
        made = min(requests, round(per_second))
        return ReplayedRequests(cohort(made), cohort(made))


def test_requests_are_replayed_slice_by_slice_up_to_the_budget_whoever_carries_it_on(seen: list[Observation]) -> None:
    world, load = RolloutWorld(), CountedLoad()
    store = MemoryStore(world)
    spec = Spec.parse(GIVEN | {"shadow": {"rows": 400, "historyWeeks": 0, "requests": 50, "perSecond": 20}})
    for _ in range(8):
        given = replace(sources(world), load=load)
        Reconciler(spec, FakeSplitter(world), given, store, lambda: world.now).reconcile()
        world.passed()
    assert load.asked == [(0, 50), (20, 30), (40, 10)]
    last = seen[-1].replayed
    assert last is not None
    assert (last.stable.requests, last.canary.requests, last.ended) == (50, 50, True)
    assert [each.replayed.ended for each in seen if each.replayed][:3] == [False, False, True]
