"""Candidates whose pods or service disappear meanwhile."""

import pytest

from rollout.kubernetes.api import Api
from rollout.state import Phase, PromotionStage
from tests.rollout.kubernetes.cluster import NAMESPACE, SERVICE, Cluster
from tests.rollout.kubernetes.simulation import both_modes, simulate


def test_a_service_that_is_deleted_meanwhile_ends_its_rollout() -> None:
    sim = simulate("Standard")
    sim.create(shadow=None, steps=[{"weight": 20, "holdSeconds": 10, "deadlineSeconds": 60}])
    sim.until("Progressing")
    for kind in ("inferenceservices", "services", "pods", "httproutes"):
        for thing in sim.cluster.having(kind):
            del sim.cluster.objects[kind, thing["metadata"]["name"]]
    for _ in range(60):
        sim.rounds.run_once()
        sim.cluster.clock += 5
    assert sim.state().phase is Phase.ROLLED_BACK


def test_a_candidate_that_lost_its_pods_gets_no_request_and_is_rolled_back() -> None:
    sim = simulate("Standard")
    sim.create(promotion="Manual")
    sim.until_gate()
    assert sim.cluster.shares()["2"]
    sim.cluster.broken["2"] = "never"
    for pod in sim.cluster.having("pods"):
        if pod["version"] == "2":
            pod["status"]["conditions"] = []
    sim.step()
    assert "2" not in sim.cluster.shares()
    state = sim.until("RolledBack", most=40)
    assert "was not ready for 120 s" in state.reason
    sim.assert_serves_only("1")


def test_a_candidate_whose_pods_come_back_goes_on_in_the_same_window() -> None:
    sim = simulate("Standard")
    sim.create(promotion="Manual")
    sim.until_gate()
    since = sim.state().since
    for pod in sim.cluster.having("pods"):
        if pod["version"] == "2":
            pod["status"]["conditions"] = []
    sim.step()
    assert "2" not in sim.cluster.shares()
    sim.step()
    sim.step()
    assert sim.cluster.shares()["2"] and sim.state().since == since
    sim.annotate("approved", sim.state().gate)
    sim.until("Promoted")


def test_a_candidate_that_scaled_to_zero_is_ready() -> None:
    sim = simulate("Knative")
    sim.create(promotion="Manual")
    sim.until_gate()
    for pod in sim.cluster.having("pods"):
        if pod["version"] == "2":
            del sim.cluster.objects["pods", pod["metadata"]["name"]]
    assert sim.splitter(Api(NAMESPACE, sim.cluster), SERVICE, SERVICE).readiness().ready


@pytest.fixture
def unchecked_route(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cluster does not insist that the route leads to ready pods: it cannot, here."""
    monkeypatch.setattr(Cluster, "check_route", lambda self: None)


@pytest.mark.usefixtures("unchecked_route")
def test_a_promotion_whose_requests_go_to_nobody_is_undone_within_seconds() -> None:
    sim = simulate("Standard", replicas=3)
    sim.create(promotionSeconds=900)
    while sim.state().stage is not PromotionStage.SERVICE:
        sim.step()
    sim.cluster.broken["2"] = "never"
    for pod in sim.cluster.having("pods"):
        if pod["version"] == "2":
            pod["status"]["conditions"] = []
    lost = sim.cluster.clock
    while "1" not in sim.cluster.shares():
        sim.step()
        assert sim.cluster.clock - lost < 120, sim.state().reason
    assert sim.until("RolledBack").reason.startswith("the promotion failed: requests go to match-outcome-")
    sim.assert_serves_only("1")


@both_modes
@pytest.mark.parametrize("stage", [PromotionStage.SHIFT, PromotionStage.ALIAS, PromotionStage.SERVICE])
def test_a_promotion_that_a_person_aborts_is_taken_back(mode: str, stage: PromotionStage) -> None:
    sim = simulate(mode, replicas=2)
    sim.create()
    while sim.state().stage is not stage:
        sim.step()
    sim.annotate("aborted", "true")
    assert sim.until("RolledBack").reason == "aborted by a person"
    sim.assert_serves_only("1")


PLACES = ["Starting", "Shadow", "Progressing", *PromotionStage, "RollingBack"]


@pytest.mark.parametrize("gone", ["httproutes", "inferenceservices"])
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.usefixtures("unchecked_route")
def test_what_is_deleted_below_a_rollout_ends_it_or_is_named_within_its_deadlines(gone: str, place: str) -> None:
    sim = simulate("Standard", replicas=2)
    sim.create(promotionSeconds=60, readySeconds=60)
    if place == "RollingBack":
        sim.until("Progressing")
        sim.annotate("aborted", "true")
    if place == PromotionStage.UNDO:
        while sim.state().stage is not PromotionStage.SERVICE:
            sim.step()
        sim.annotate("aborted", "true")
    while place not in (str(sim.state().phase), str(sim.state().stage)):
        sim.step()
    name = {"httproutes": f"{SERVICE}-public", "inferenceservices": SERVICE}[gone]
    del sim.cluster.objects[gone, name]
    for _ in range(60):
        sim.rounds.run_once()
        if gone == "httproutes":
            sim.cluster._standard()
        sim.cluster.clock += 5
    state = sim.state()
    named = "HTTPRoutes in football are labelled" in state.problem
    assert state.phase is Phase.ROLLED_BACK or (gone == "httproutes" and named), state
    assert state.phase is not Phase.ROLLING_BACK or state.stalled
    assert state.phase in (Phase.ROLLED_BACK, Phase.ROLLING_BACK, Phase.SHADOW)
