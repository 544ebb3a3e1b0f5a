"""ModelRollouts that are deleted while they are under way: nothing holds them, and the service is made whole again."""

from typing import Any

import pytest

from rollout.kubernetes.leftover import STABLE
from rollout.kubernetes.model_rollout import FINALIZER
from rollout.state import Phase, PromotionStage
from tests.rollout.kubernetes.simulation import Simulation, both_modes, simulate

PHASES = [Phase.STARTING, Phase.SHADOW, Phase.PROGRESSING, Phase.ROLLING_BACK]


def finalizers(sim: Simulation, name: str = "try") -> Any:
    return sim.cluster.get("modelrollouts", name)["metadata"].get("finalizers")


def until_before(sim: Simulation, phase: Phase) -> None:
    """Steps until the rollout is in a phase; in the phase of roll-backs after an abort."""
    if phase is Phase.ROLLING_BACK:
        sim.until("Progressing")
        sim.annotate("aborted", "true")
    sim.until(str(phase))


@both_modes
def test_no_finalizer_is_held_in_any_phase(mode: str) -> None:
    sim = simulate(mode)
    sim.create()
    for _ in range(120):
        sim.step()
        assert not finalizers(sim)
        if sim.state().ended:
            break
    assert sim.state().phase is Phase.PROMOTED


@both_modes
@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("replicas", [1, 3])
def test_a_rollout_that_is_deleted_goes_at_once_and_is_rolled_back(mode: str, phase: Phase, replicas: int) -> None:
    sim = simulate(mode, replicas=replicas)
    sim.create()
    until_before(sim, phase)
    sim.cluster.delete("modelrollouts", "try")
    assert sim.cluster.having("modelrollouts") == []
    for _ in range(20):
        sim.step()
    sim.assert_serves_only("1")
    assert ("2" in sim.world.marked) == (phase is not Phase.STARTING)  # of which nothing was there yet


@both_modes
def test_a_deletion_at_any_moment_ends_with_the_version_that_the_alias_means(mode: str) -> None:
    """Rounds are counted in a rollout that is left alone; then one is deleted after each of them."""
    whole, rounds = simulate(mode, replicas=2), 0
    whole.create()
    while not whole.cluster.having("modelrollouts") or not whole.state().ended:
        whole.step()
        rounds += 1
    served = set()
    for after in range(1, rounds):
        sim = simulate(mode, replicas=2)
        sim.create()
        for _ in range(after):
            sim.step()
        sim.cluster.delete("modelrollouts", "try")
        for _ in range(25):
            sim.step()
        sim.assert_serves_only(sim.world.champion)
        served.add(sim.world.champion)
    assert served == {"1", "2"}


@both_modes
def test_an_operator_that_is_killed_on_the_way_back_costs_time_only(mode: str) -> None:
    sim = simulate(mode)
    sim.create()
    sim.until("Progressing")
    begun = sim.cluster.writes
    sim.cluster.delete("modelrollouts", "try")
    for _ in range(20):
        sim.step()
    for at in range(begun + 1, sim.cluster.writes + 1):
        other = simulate(mode)
        other.create()
        other.until("Progressing")
        other.cluster.delete("modelrollouts", "try")
        other.cluster.kill_at = at
        for _ in range(25):
            other.step()
        other.assert_serves_only("1")


@both_modes
def test_an_undone_promotion_that_is_deleted_goes_back_to_the_former_champion(mode: str) -> None:
    sim = simulate(mode)
    sim.world.faults.add("alias")
    sim.create(promotionSeconds=60)
    while sim.state().stage is not PromotionStage.UNDO:
        sim.step()
    sim.world.faults.clear()
    sim.cluster.delete("modelrollouts", "try")
    for _ in range(20):
        sim.step()
    sim.assert_serves_only("1")


@both_modes
def test_an_alias_that_was_moved_by_hand_lets_no_version_in(mode: str) -> None:
    sim = simulate(mode)
    sim.create()
    sim.until("Progressing")
    sim.world.champion = "7"
    sim.cluster.delete("modelrollouts", "try")
    for _ in range(20):
        sim.step()
    assert sim.cluster.pin == "1"
    assert sim.cluster.shares().keys() == {"1"}


@both_modes
def test_the_next_rollout_begins_once_the_candidate_of_the_deleted_one_is_gone(mode: str) -> None:
    sim = simulate(mode)
    sim.create()
    sim.until("Progressing")
    sim.cluster.delete("modelrollouts", "try")
    sim.create("later", candidate="3")
    state = sim.until("Starting", name="later")
    assert sim.cluster.shares().keys() == {"1"}
    assert state.candidate_version == "3"


@both_modes
def test_a_rollout_that_is_under_way_is_no_leftover(mode: str) -> None:
    """Nor is one whose state this release cannot read."""
    sim = simulate(mode)
    sim.create(promotion="Manual")
    sim.until_gate()
    before = sim.cluster.shares()
    sim.cluster.get("modelrollouts", "try")["status"] = {"phase": "Proving"}
    for _ in range(5):
        sim.rounds.run_once()
        sim.cluster.settle()
    assert sim.cluster.shares() == before


def test_a_share_that_a_person_gives_in_knative_mode_is_not_taken_back() -> None:
    sim = simulate("Knative")
    sim.step()
    spec = sim.cluster.service["spec"]["predictor"]
    spec["canaryTrafficPercent"] = 30
    assert STABLE not in spec["annotations"]
    for _ in range(5):
        sim.step()
    assert sim.cluster.predictor["canaryTrafficPercent"] == 30


@both_modes
def test_the_finalizer_of_an_earlier_release_is_removed_on_sight(mode: str) -> None:
    sim = simulate(mode)
    for name, status in (("try", {}), ("ended", {}), ("unreadable", {"phase": "Proving"})):
        sim.create(name)
        sim.cluster.get("modelrollouts", name)["metadata"]["finalizers"] = ["other.io/kept", FINALIZER]
        sim.cluster.get("modelrollouts", name)["status"] = status
    sim.rounds.run_once()
    assert [finalizers(sim, name) for name in ("try", "ended", "unreadable")] == [["other.io/kept"]] * 3


@both_modes
def test_one_that_an_earlier_release_holds_goes_and_is_rolled_back(mode: str) -> None:
    sim = simulate(mode)
    sim.create()
    sim.until("Progressing")
    sim.cluster.get("modelrollouts", "try")["metadata"]["finalizers"] = [FINALIZER]
    sim.cluster.delete("modelrollouts", "try")
    for _ in range(20):
        sim.step()
    assert sim.cluster.having("modelrollouts") == []
    sim.assert_serves_only("1")
