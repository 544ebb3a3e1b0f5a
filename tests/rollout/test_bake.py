"""Bake of a promotion: it serves every request, is watched, and goes back by itself where something is found."""

from typing import Any

import pytest

from rollout import window
from rollout.bake import describe_rest
from rollout.spec import Spec
from rollout.splitter import Readiness
from rollout.state import Commands, Phase, PromotionStage, State
from rollout.state_machine import advance
from tests.rollout.fakes import MemoryStore, RolloutWorld, count_errors
from tests.rollout.runs import kill_at, run
from tests.rollout.scenarios import GIVEN
from tests.rollout.states import NOW, facts, spec, state

SPEC = Spec.parse(GIVEN | {"candidate": "challenger", "bakeSeconds": 100})
ENDED = "version 2 is champion and serves every request: its bake has ended, "


@pytest.fixture(autouse=True)
def _quick_judge(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the steps; the bake has its own judge."""
    monkeypatch.setattr(window, "judge", count_errors)


def baking(asked: Spec = SPEC) -> tuple[RolloutWorld, MemoryStore]:
    """A world in which version 2 was promoted just now, and is watched."""
    world = RolloutWorld()
    store = MemoryStore(world)

    def stop(now: State) -> None:
        if now.phase is Phase.BAKING:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(asked, world, store, watch=stop)
    world.leased = False
    return world, store


def assert_taken_back(world: RolloutWorld, store: MemoryStore) -> None:
    assert store.state.phase is Phase.ROLLED_BACK, store.state.reason
    assert (world.champion, world.stable, world.candidate, world.weight) == ("1", "1", "", 0)
    assert world.aliases == {"challenger": "2"} and set(world.marked) == {"2"}


def test_a_promotion_is_complete_for_users_while_it_bakes_and_ends_by_itself() -> None:
    world, store = baking()
    assert (world.champion, world.stable, world.candidate) == ("2", "2", "")
    assert store.state.active and store.state.weight == 100
    begun = store.state.since
    run(SPEC, world, store)
    assert store.state.phase is Phase.PROMOTED and store.state.verdict == "pass"
    assert store.state.reason.startswith(ENDED + "0.00% of ")
    assert store.state.since - begun >= 100
    assert [each["verdict"] for each in store.state.history[-1].findings] == ["pass"]
    assert [entry.phase for entry in store.state.history[-3:]] == [Phase.PROMOTING, Phase.BAKING, Phase.PROMOTED]


def test_without_a_bake_it_is_promoted_at_once() -> None:
    world = RolloutWorld()
    store = MemoryStore(world)
    asked = SPEC.model_copy(update={"bake_seconds": 0.0})
    run(asked, world, store)
    assert [entry.phase for entry in store.state.history[-2:]] == [Phase.PROMOTING, Phase.PROMOTED]


def test_errors_after_the_promotion_take_it_back_and_mark_the_version() -> None:
    world, store = baking()
    run(SPEC, world, store, rounds=4)
    assert store.state.phase is Phase.BAKING
    world.errors["2"] = 0.05
    run(SPEC, world, store)
    assert_taken_back(world, store)
    assert store.state.reason.startswith("after its promotion: errors recent: the rate of requests not answered rose: ")
    assert store.state.verdict == "fail"
    assert [each["verdict"] for each in store.state.findings] == ["fail"]
    phases = [entry.phase for entry in store.state.history[-4:]]
    assert phases == [Phase.BAKING, Phase.PROMOTING, Phase.ROLLING_BACK, Phase.ROLLED_BACK]


def test_a_restart_of_its_server_takes_it_back() -> None:
    world, store = baking()
    world.restarts = {"server-2": 1}
    run(SPEC, world, store, rounds=2)
    world.restarts = {"server-2": 2}
    run(SPEC, world, store)
    assert_taken_back(world, store)
    assert "restarted once" in store.state.reason


def test_requests_that_only_envoy_saw_fail_take_it_back() -> None:
    world, store = baking()
    for _ in range(3):
        run(SPEC, world, store, rounds=1)
        world.passed()
        world.failures["2"] = world.failures.get("2", 0) + 2000
    run(SPEC, world, store)
    assert_taken_back(world, store)


@pytest.mark.parametrize("point", range(16))
@pytest.mark.parametrize("bad", [False, True])
def test_a_process_that_is_killed_anywhere_in_the_bake_is_followed_by_another(point: int, bad: bool) -> None:
    world, store = baking()
    world.errors["2"] = 0.05 if bad else 0.0
    world.kill = kill_at(point)
    assert run(SPEC, world, store)
    if bad:
        assert_taken_back(world, store)
    else:
        assert store.state.phase is Phase.PROMOTED and (world.champion, world.stable) == ("2", "2")


def test_another_process_goes_on_with_what_was_counted() -> None:
    """Each process makes one round, so only the saved evidence can add up."""
    world, store = baking()
    for _ in range(4):
        run(SPEC, world, store, rounds=1)
        world.passed()
    assert store.state.findings[0]["n"] == 60_000
    assert store.state.needs == "70 s more, to the end of the bake"


@pytest.mark.parametrize(
    ("commands", "reason"),
    [(Commands(aborted=True), "aborted by a person"), (Commands(undo=1), "a person takes the promotion back")],
)
def test_a_person_takes_it_back(commands: Commands, reason: str) -> None:
    world, store = baking()
    store.given = commands
    run(SPEC, world, store)
    assert_taken_back(world, store)
    assert store.state.reason == reason


def test_a_person_ends_the_bake_and_nothing_but_its_own_name_does() -> None:
    world, store = baking()
    for approved in ("1/promotion", "2/bake", "1/100"):
        store.given = Commands(approved=approved)
        run(SPEC, world, store, rounds=1)
        assert store.state.phase is Phase.BAKING
    store.given = Commands(approved="1/bake")
    run(SPEC, world, store, rounds=1)
    assert store.state.phase is Phase.PROMOTED and store.state.reason.endswith("a person ended its bake")


def test_a_pause_holds_the_end_and_not_the_judge() -> None:
    world, store = baking()
    store.given = Commands(paused=True)
    run(SPEC, world, store, rounds=30)
    assert store.state.phase is Phase.BAKING and store.state.paused
    world.errors["2"] = 0.05
    run(SPEC, world, store)
    assert_taken_back(world, store)


def test_a_champion_of_a_person_ends_the_bake_and_stays() -> None:
    world, store = baking()
    world.champion = "3"
    run(SPEC, world, store)
    assert (store.state.phase, world.champion, world.marked) == (Phase.PROMOTED, "3", {})
    assert store.state.reason == "the champion is version 3 by now: its bake ends"


def test_servers_that_do_not_answer_take_it_back() -> None:
    before = state(Phase.BAKING, weight=100, silent_since=NOW - 301)
    lost = Readiness(False, "requests go to nobody")
    after = advance(spec(bakeSeconds=3600), before, facts(stable="2", readiness=lost))
    assert (after.phase, after.stage) == (Phase.PROMOTING, PromotionStage.UNDO)
    assert "requests go to nobody" in after.reason
    early = before.model_copy(update={"silent_since": NOW - 299})
    assert advance(spec(bakeSeconds=3600), early, facts(stable="2", readiness=lost)).phase is Phase.BAKING


@pytest.mark.parametrize("away", ["meter", "restarts", "gateway", "champion"])
def test_a_source_that_is_away_is_a_problem_and_the_bake_goes_on(away: str) -> None:
    world, store = baking()
    world.faults.add(away)
    run(SPEC, world, store, rounds=3)
    assert store.state.phase is Phase.BAKING
    assert away == "champion" or f"{away} does not work" in store.state.problem
    world.faults.clear()
    run(SPEC, world, store, rounds=1)
    assert store.state.phase is Phase.BAKING and not store.state.problem
    run(SPEC, world, store)
    assert store.state.phase is Phase.PROMOTED


def test_an_end_that_nobody_watched_says_so() -> None:
    world, store = baking()
    world.faults.add("meter")
    run(SPEC, world, store)
    assert store.state.phase is Phase.PROMOTED
    assert store.state.reason.endswith("; at its end it was not watched: meter does not work")
    assert [each["verdict"] for each in store.state.history[-1].findings] == ["inconclusive"]


def test_a_service_that_went_with_the_machine_is_started_again() -> None:
    world, store = baking()
    world.envoy, world.stable = False, ""
    world.faults.add("open")
    run(SPEC, world, store, rounds=2)
    assert not world.envoy and store.state.phase is Phase.BAKING
    world.faults.clear()
    run(SPEC, world, store, rounds=1)
    assert world.envoy and world.stable == "2" and store.state.phase is Phase.BAKING


@pytest.mark.parametrize(
    ("passed", "said"),
    [(0, "about 60 min more"), (3000, "about 10 min more"), (3500, "100 s more"), (4000, "0 s more")],
)
def test_the_rest_of_the_bake_is_said(passed: float, said: str) -> None:
    assert describe_rest(spec(bakeSeconds=3600), state(Phase.BAKING, since=NOW), NOW + passed) == said


@pytest.mark.parametrize("retry", [1, 2])
def test_a_rollout_in_its_bake_has_not_ended(retry: int) -> None:
    """Another candidate of its alias, or a retry, waits for its end."""
    seen: dict[str, Any] = {"stable": "2", "candidate": "3", "commands": Commands(retry=retry)}
    before = state(Phase.BAKING, weight=100)
    assert advance(spec(bakeSeconds=3600), before, facts(**seen)).phase is Phase.BAKING


@pytest.mark.parametrize("jump", [7200.0, -7200.0])
def test_a_clock_that_jumps_neither_ends_nor_freezes_the_bake(jump: float) -> None:
    world, store = baking()
    run(SPEC, world, store, rounds=2)
    world.now += jump
    run(SPEC, world, store, rounds=1)
    assert store.state.phase is Phase.BAKING
    run(SPEC, world, store, rounds=12)
    assert store.state.phase is Phase.PROMOTED
