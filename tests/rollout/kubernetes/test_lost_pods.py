"""Candidates whose pods or service disappear meanwhile."""

from rollout.kubernetes.api import Api
from rollout.state import Phase
from tests.rollout.kubernetes.cluster import NAMESPACE, SERVICE
from tests.rollout.kubernetes.simulation import simulate


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
