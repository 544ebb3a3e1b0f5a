"""Copied requests as evidence: counted from the shadow step's own reads, saved, and carried on into the later steps."""

from dataclasses import replace

import pytest

from rollout import window
from rollout.embedded.envoy_statistics import EnvoyStatistics
from rollout.evidence import Evidence
from rollout.judge import Cohort, Observation, Pairs, Verdict
from rollout.mirrored import ENOUGH, MirroredRequests
from rollout.reconciler import Reconciler
from rollout.sources import SourceError
from rollout.spec import Spec
from rollout.state import Phase, State
from tests.rollout.fakes import FakeEnvoy, FakeSplitter, MemoryStore, RolloutWorld, cohort, judgement, pairs, sources
from tests.rollout.scenarios import GIVEN

SPEC = Spec.parse(GIVEN | {"shadow": {"rows": 400, "historyWeeks": 0, "mirror": 25}, "limits": {"warmRequests": 100}})
POD, OTHER = "http://10.0.0.1:8080", "http://10.0.0.2:8080"


class Answers:
    """Logged answers; None is a log that cannot be read."""

    def __init__(self, found: Pairs | None) -> None:
        self.found = found

    def pairs(self, model: str, stable: str, candidate: str) -> Pairs:
        assert (stable, candidate) == ("1", "2")
        if self.found is None:
            raise SourceError("the log is away")
        return self.found


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[Observation]:
    """What the judge was asked in each round; it waits."""
    observations: list[Observation] = []

    def judge(observation: Observation, *_: object, **__: object) -> object:
        observations.append(observation)
        return judgement(Verdict.WAIT)

    monkeypatch.setattr(window, "judge", judge)
    return observations


def reconcile(world: RolloutWorld, store: MemoryStore, answers: Answers | None = None, spec: Spec = SPEC) -> State:
    """One round of a new process, then some requests."""
    gateway = EnvoyStatistics(FakeEnvoy(world))  # type: ignore[arg-type]
    given = replace(sources(world), gateway=gateway, mirrored=answers)
    state = Reconciler(spec, FakeSplitter(world), given, store, lambda: world.now).reconcile()
    world.passed(requests=2000)
    return state


def test_copies_are_counted_whoever_carries_the_shadow_on_and_end_with_it(
    seen: list[Observation], monkeypatch: pytest.MonkeyPatch
) -> None:
    world = RolloutWorld()
    store = MemoryStore(world)
    while not seen:
        assert world.mirror == 0
        reconcile(world, store)
    for _ in range(3):
        reconcile(world, store)
    assert (store.state.phase, world.mirror, world.weight) == (Phase.SHADOW, 25, 0)
    found = seen[-1].mirrored
    assert found is not None
    assert (found.stable.requests, found.canary.requests, found.ended) == (6000, 1500, False)
    assert found.canary.latency is not None and found.canary.latency.total == 1000, "the first 100 warm it up"
    assert seen[-1].canary.requests == 0, "copies are nobody's requests"
    monkeypatch.setattr(window, "judge", lambda *_, **__: judgement(Verdict.PASS))
    reconcile(world, store)
    assert reconcile(world, store).phase is Phase.PROGRESSING
    assert (world.mirror, world.weight) == (0, 5)
    kept = Evidence.from_text(store.state.evidence).mirrored
    assert kept is not None
    assert (kept.canary.requests, kept.seen) == (2000, {})


def test_a_rollout_without_a_mirror_copies_nothing(seen: list[Observation]) -> None:
    world, spec = RolloutWorld(), Spec.parse(GIVEN | {"shadow": {"rows": 400, "historyWeeks": 0}})
    store = MemoryStore(world)
    for _ in range(6):
        reconcile(world, store, spec=spec)
        assert world.mirror == 0
    assert seen[-1].mirrored is None


def test_copies_that_no_server_counts_are_errors_where_the_gateway_saw_them_fail(seen: list[Observation]) -> None:
    world = RolloutWorld()
    world.failures = {"1": 3, "2": 40}
    store = MemoryStore(world)
    while not seen:
        reconcile(world, store)
    world.failures = {"1": 3, "2": 47}
    reconcile(world, store)
    found = seen[-1].mirrored
    assert found is not None
    assert (found.stable.failed, found.canary.failed, found.canary.requests) == (0, 7, 507)


@pytest.mark.parametrize("fault", ["meter", "gateway"])
def test_copies_that_cannot_be_counted_blind_the_check_and_lose_nothing(seen: list[Observation], fault: str) -> None:
    world = RolloutWorld()
    store = MemoryStore(world)
    while not seen:
        reconcile(world, store)
    world.faults.add(fault)
    reconcile(world, store)
    assert set(seen[-1].unreadable) == {"replay"}
    world.faults.clear()
    reconcile(world, store)
    found = seen[-1].mirrored
    assert found is not None and found.canary.requests == 1000


def test_answers_to_copies_reach_the_judge_and_a_log_that_is_away_is_told(seen: list[Observation]) -> None:
    world, answers = RolloutWorld(), Answers(pairs(30))
    store = MemoryStore(world)
    while not seen:
        reconcile(world, store, answers)
    assert seen[-1].mirrored_pairs is answers.found
    answers.found = None
    reconcile(world, store, answers)
    assert "the log is away" in seen[-1].unreadable["replay"]


def test_a_splitter_that_cannot_copy_refuses_the_rollout() -> None:
    world = RolloutWorld()
    store = MemoryStore(world)
    splitter = FakeSplitter(world, mirrors=False)
    state = Reconciler(SPEC, splitter, sources(world), store, lambda: world.now).reconcile()
    assert state.phase is Phase.REFUSED and "requests cannot be copied" in state.reason


def test_counts_survive_restarts_of_servers_and_pods_that_come_later() -> None:
    found = MirroredRequests().add({POD: cohort(50)}, {OTHER: cohort(7)}, 0)
    assert found.stable == found.canary == Cohort()
    found = found.add({POD: cohort(90)}, {OTHER: cohort(3, 1)}, 0)
    found = found.add({POD: cohort(90), "new": cohort(500)}, {}, 0)
    found = found.add({POD: cohort(91), "new": cohort(510)}, {OTHER: cohort(5, 1)}, 0)
    assert (found.stable.requests, found.canary.requests, found.canary.failed) == (51, 5, 1)
    assert MirroredRequests.from_json(found.to_json()).to_json() == found.to_json()


def test_evidence_of_copies_is_read_as_it_was_saved() -> None:
    counts = MirroredRequests().add_failures(1, 2).add({POD: cohort(50)}, {OTHER: cohort(7)}, 100)
    counts = counts.add_failures(1, 5).add({POD: cohort(80)}, {OTHER: cohort(30)}, 100)
    again = Evidence.from_text(Evidence(mirrored=counts).to_text()).mirrored
    assert again is not None
    assert again.to_json() == counts.to_json() and again.warming == {OTHER: 23}
    assert again.gateway == counts.gateway
    assert again.cohorts().canary.failed == 3


def test_after_enough_copies_the_rest_is_left_to_the_steps_with_traffic() -> None:
    begun = MirroredRequests().add({POD: cohort(0)}, {OTHER: cohort(0)}, 0)
    for copies, ended in ((ENOUGH - 1, False), (ENOUGH, True)):
        assert begun.add({POD: cohort(0)}, {OTHER: cohort(copies)}, 0).cohorts().ended is ended
