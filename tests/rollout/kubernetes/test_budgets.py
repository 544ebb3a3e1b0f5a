"""Disruption budgets while a rollout runs: no eviction takes the last ready pod of a version."""

from typing import Any

import pytest

from tests.rollout.kubernetes.cluster import SERVICE
from tests.rollout.kubernetes.simulation import Simulation, simulate
from tests.rollout.kubernetes.test_sizes import CANDIDATE, STABLE, condition

BOTH = {f"{STABLE}-rollout", f"{CANDIDATE}-rollout"}


def budgets(sim: Simulation) -> dict[str, dict[str, Any]]:
    return {each["metadata"]["name"]: each for each in sim.cluster.having("poddisruptionbudgets")}


def may_evict(sim: Simulation, name: str) -> int:
    """Pods of a predictor that Kubernetes lets go now; each pod is counted by one budget at most."""
    pods = sim.cluster.having("pods", f"app=isvc.{name}")
    found = [
        each["spec"]
        for each in sim.cluster.having("poddisruptionbudgets")
        if each["spec"]["selector"]["matchLabels"].items() <= pods[0]["metadata"]["labels"].items()
    ]
    assert len(found) <= 1, "Kubernetes refuses to evict a pod that two budgets count"
    if not found:
        return len(pods)
    ready = len(sim.cluster._ready(name))
    [budget] = found
    if "minAvailable" in budget:
        return max(0, ready - budget["minAvailable"])
    expected = sim.cluster.get("deployments", name)["spec"]["replicas"]
    return max(0, int(ready - (expected - budget["maxUnavailable"])))


@pytest.mark.parametrize("replicas", [1, 2, 5])
def test_an_eviction_leaves_each_version_a_ready_pod(replicas: int) -> None:
    sim = simulate("Standard", replicas=replicas)
    sim.create(promotion="Manual")
    while dict(sim.cluster._targets()).get(CANDIDATE, 0) == 0:
        sim.step()
    for _ in range(60):
        for name in (STABLE, CANDIDATE):
            ready = len(sim.cluster._ready(name))
            assert may_evict(sim, name) <= max(0, min(1, ready - 1))
        sim.step()
    assert budgets(sim).keys() == BOTH
    sim.annotate("approved", sim.state().gate)
    sim.until("Promoted", most=200)
    assert not budgets(sim)
    sim.assert_serves_only("2")


@pytest.mark.parametrize("replicas", [1, 2, 3])
@pytest.mark.parametrize("has_room", [True, False])
def test_a_drain_during_a_rollout_leaves_every_request_a_ready_pod(replicas: int, has_room: bool) -> None:
    """After each round and write the simulated cluster asserts that no share leads to a version without a ready pod."""
    sim = simulate("Standard", replicas=replicas)
    sim.create(promotion="Manual")
    sim.until_gate()
    for _ in range(6):
        sim.step()
    old = {pod["metadata"]["name"] for pod in sim.cluster.having("pods")}
    placed = len(old)
    for _ in range(25):
        for name in (STABLE, CANDIDATE):
            for pod in sim.cluster.having("pods", f"app=isvc.{name}"):
                if pod["metadata"]["name"] in old and may_evict(sim, name):
                    del sim.cluster.objects["pods", pod["metadata"]["name"]]
        gone = old - {pod["metadata"]["name"] for pod in sim.cluster.having("pods")}
        sim.cluster.room = 100 if has_room else placed - len(gone)
        sim.step()
        assert {"1", "2"} == sim.cluster.shares().keys()
    left = old & {pod["metadata"]["name"] for pod in sim.cluster.having("pods")}
    kept = 0 if has_room and replicas > 1 else 2 * max(1, replicas - 1)
    assert len(left) == kept, "an only pod waits for the rollout's end, and so does one of the last that are enough"
    sim.cluster.room = 100
    sim.annotate("aborted", "true")
    sim.until("RolledBack", most=60)
    sim.assert_serves_only("1")


def test_a_candidate_without_requests_holds_no_drain_up() -> None:
    sim = simulate("Standard", replicas=2)
    sim.create(shadow={"rows": 400, "historyWeeks": 0, "approval": True})
    sim.until_gate()
    assert budgets(sim).keys() == {f"{STABLE}-rollout"}


def test_budgets_go_with_the_service_and_with_the_rollout() -> None:
    sim = simulate("Standard", replicas=2)
    sim.cluster.service["metadata"]["uid"] = "uid-of-the-service"
    sim.create(promotion="Manual")
    sim.until_gate()
    for each in budgets(sim).values():
        [owner] = each["metadata"]["ownerReferences"]
        assert (owner["kind"], owner["name"], owner["uid"]) == ("InferenceService", SERVICE, "uid-of-the-service")
    del sim.cluster.objects["modelrollouts", "try"]
    for _ in range(12):
        sim.step()
    assert not budgets(sim)
    sim.assert_serves_only("1")


def add_budget(sim: Simulation, selector: dict[str, Any] | None) -> None:
    sim.cluster.put("poddisruptionbudgets", "theirs", {"spec": {"maxUnavailable": 1, "selector": selector}})


def expression(operator: str, *values: str) -> dict[str, Any]:
    return {"matchExpressions": [{"key": "app", "operator": operator, **({"values": list(values)} if values else {})}]}


@pytest.mark.parametrize(
    ("selector", "ours", "shared"),
    [
        ({"matchLabels": {"app": f"isvc.{STABLE}"}}, {f"{CANDIDATE}-rollout"}, False),
        ({"matchLabels": {"app": "another"}}, BOTH, False),
        (None, BOTH, False),
        ({}, set(), True),
        (expression("Exists"), set(), True),
        (expression("DoesNotExist"), BOTH, False),
        (expression("In", f"isvc.{CANDIDATE}"), {f"{STABLE}-rollout"}, False),
        (expression("NotIn", "x"), set(), True),
    ],
)
def test_no_pod_is_counted_by_two_budgets(selector: dict[str, Any] | None, ours: set[str], shared: bool) -> None:
    sim = simulate("Standard", replicas=2)
    add_budget(sim, selector)
    sim.create(promotion="Manual")
    sim.until_gate()
    assert budgets(sim).keys() - {"theirs"} == ours
    status, reason, message = condition(sim, "EvictionsCounted")
    assert (status, reason) == (("False", "Shared") if shared else ("True", "PerVersion"))
    assert ("theirs" in message) is shared is ("Warning Shared" in sim.events())


def test_a_budget_that_comes_meanwhile_takes_the_place_of_ours() -> None:
    sim = simulate("Standard", replicas=2)
    sim.create(promotion="Manual")
    sim.until_gate()
    add_budget(sim, {"matchLabels": {"app": f"isvc.{STABLE}"}})
    sim.step()
    assert budgets(sim).keys() == {"theirs", f"{CANDIDATE}-rollout"}


def test_a_budget_that_somebody_changed_or_deleted_is_made_again() -> None:
    sim = simulate("Standard", replicas=2)
    sim.create(promotion="Manual")
    sim.until_gate()
    wanted = {name: each["spec"] for name, each in budgets(sim).items()}
    sim.cluster.get("poddisruptionbudgets", f"{STABLE}-rollout")["spec"] = {"maxUnavailable": "100%"}
    del sim.cluster.objects["poddisruptionbudgets", f"{CANDIDATE}-rollout"]
    sim.step()
    assert {name: each["spec"] for name, each in budgets(sim).items()} == wanted
