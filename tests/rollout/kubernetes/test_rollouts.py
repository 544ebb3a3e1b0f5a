"""Rollouts on Kubernetes from beginning to end, in both KServe modes."""

import pytest

from rollout.state import PromotionStage
from tests.rollout.kubernetes.simulation import both_modes, simulate


@both_modes
@pytest.mark.parametrize("replicas", [1, 2, 3])
def test_a_good_candidate_is_promoted_through_its_steps(mode: str, replicas: int) -> None:
    sim = simulate(mode, replicas=replicas)
    sim.create()
    state = sim.until("Promoted", most=200)
    assert [each for each in sim.phases if each[0] == "Progressing"] == [("Progressing", 20), ("Progressing", 50)]
    assert state.stable_version, state.candidate_version == ("1", "2")
    sim.assert_serves_only("2")
    assert sim.events()[0] == "Normal Starting"
    assert "Normal Promoted" in sim.events()


@both_modes
def test_requests_are_split_by_the_weight_of_the_step(mode: str) -> None:
    sim = simulate(mode)
    sim.create(promotion="Manual", shadow=None, steps=[{"weight": 20, "holdSeconds": 30}])
    sim.until("Progressing")
    for _ in range(4):
        sim.step()
    assert sim.cluster.shares() == {"1": 80, "2": 20}


@both_modes
def test_a_candidate_that_errs_is_rolled_back(mode: str) -> None:
    sim = simulate(mode)
    sim.world.errors["2"] = 0.5
    sim.create()
    state = sim.until("RolledBack")
    assert "fail" in state.reason
    sim.assert_serves_only("1")
    assert "2" in sim.world.marked
    assert {"Warning RollingBack", "Warning RolledBack"} <= set(sim.events())


@both_modes
@pytest.mark.parametrize(("trouble", "reason"), [("never", "was not ready for 120 s"), ("crash", "it damaged")])
def test_a_candidate_that_never_becomes_ready_is_rolled_back_with_its_own_message(
    mode: str, trouble: str, reason: str
) -> None:
    sim = simulate(mode, broken={"2": trouble})
    sim.create()
    state = sim.until("RolledBack")
    assert reason in state.reason
    assert (state.history[-1].time - state.history[0].time < 60) == (trouble == "crash")
    sim.assert_serves_only("1")


@both_modes
def test_a_failed_promotion_is_undone(mode: str) -> None:
    sim = simulate(mode)
    sim.world.faults.add("alias")
    sim.create(promotionSeconds=60)
    while sim.state().stage is not PromotionStage.UNDO:
        sim.step()
    sim.world.faults.clear()
    sim.until("RolledBack")
    sim.assert_serves_only("1")
