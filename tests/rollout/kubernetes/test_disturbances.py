"""What others do to a service while a rollout runs: pods that go, weights, routes and canaries that people change."""

import copy
from typing import Any

import pytest

from rollout.kubernetes.api import Api
from rollout.kubernetes.splitters.standard import StandardSplitter
from rollout.state import Phase, PromotionStage
from tests.rollout.kubernetes.cluster import NAMESPACE, SERVICE
from tests.rollout.kubernetes.simulation import Simulation, simulate
from tests.rollout.kubernetes.test_sizes import CANDIDATE, STABLE, condition

ROUTE = f"{SERVICE}-public"


def at_gate(**given: Any) -> Simulation:
    """A rollout that waits for approval at 50 %."""
    sim = simulate("Standard", **given)
    sim.create(promotion="Manual")
    sim.until_gate()
    while dict(sim.cluster._targets()).get(CANDIDATE) != 50:
        sim.step()
    return sim


def set_ready(sim: Simulation, name: str, ready: bool) -> None:
    for pod in sim.cluster.having("pods", f"app=isvc.{name}"):
        sim.cluster.broken.update({} if ready else {pod["version"]: "never"})
        pod["status"]["conditions"] = [{"type": "Ready", "status": "True"}] if ready else []
        if ready:
            sim.cluster.broken.pop(pod["version"], None)


def test_a_stable_version_without_a_ready_pod_lends_its_requests_to_the_candidate() -> None:
    sim = at_gate(replicas=2)
    set_ready(sim, STABLE, False)
    sim.rounds.run_once()
    assert sim.cluster.shares() == {"2": 100}
    assert "no pod of the stable version of match-outcome is ready" in sim.state().problem
    assert condition(sim, "StableReady")[:2] == ("False", "NoReadyPod")
    assert sim.events().count("Warning NoReadyPod") == 1
    for _ in range(3):
        sim.step()
    assert sim.events().count("Warning NoReadyPod") == 1, "an event tells of a change"
    set_ready(sim, STABLE, True)
    sim.step()
    assert sim.cluster.shares() == {"1": 50, "2": 50}
    assert not sim.state().problem and sim.state().gate
    assert condition(sim, "StableReady")[0] == "True" and "Normal Ready" in sim.events()


def test_a_stable_revision_without_a_ready_pod_is_a_problem_and_one_that_scaled_to_zero_is_none() -> None:
    sim = simulate("Knative")
    sim.create(promotion="Manual")
    sim.until_gate()
    sim.cluster.check_route = lambda: None  # type: ignore[method-assign]
    [pod] = [pod for pod in sim.cluster.having("pods") if pod["version"] == "1" and pod["metadata"]["annotations"]]
    pod["status"]["conditions"] = []
    sim.rounds.run_once()
    assert "0 of 1 pods of the stable version are ready, and its requests wait" in sim.state().problem
    assert condition(sim, "StableReady")[:2] == ("False", "NoReadyPod") and "Warning NoReadyPod" in sim.events()
    del sim.cluster.objects["pods", pod["metadata"]["name"]]
    sim.rounds.run_once()
    assert not sim.state().problem and condition(sim, "StableReady")[:2] == ("True", "Ready")


def test_what_was_lent_is_given_back_where_the_candidate_has_too_few_pods_meanwhile() -> None:
    sim = at_gate(replicas=2)
    set_ready(sim, STABLE, False)
    sim.rounds.run_once()
    set_ready(sim, STABLE, True)
    sim.cluster._ready(CANDIDATE)[0]["status"]["conditions"] = []
    sim.rounds.run_once()
    assert sim.cluster.shares() == {"1": 50, "2": 50}


def test_the_shadow_step_shows_no_user_the_candidate_even_without_a_stable_pod() -> None:
    sim = simulate("Standard")
    sim.create(shadow={"rows": 400, "historyWeeks": 0, "approval": True})
    sim.until_gate()
    assert sim.state().phase is Phase.SHADOW
    sim.cluster.check_route = lambda: None  # type: ignore[method-assign]
    set_ready(sim, STABLE, False)
    sim.rounds.run_once()
    assert dict(sim.cluster._targets()) == {STABLE: 100}
    assert "is ready, and the candidate gets no request in this step" in sim.state().problem


@pytest.mark.parametrize("gone", [STABLE, CANDIDATE])
def test_while_the_service_is_rewritten_a_version_without_a_ready_pod_has_no_request(gone: str) -> None:
    sim = simulate("Standard", replicas=2)
    sim.create()
    while sim.state().stage is not PromotionStage.SERVICE:
        sim.step()
    if gone == STABLE:
        for rule in sim.cluster.get("httproutes", ROUTE)["spec"]["rules"]:
            rule["backendRefs"][0]["name"] = STABLE
    other = CANDIDATE if gone == STABLE else STABLE
    set_ready(sim, gone, False)
    sim.rounds.run_once()
    assert [name for name, weight in sim.cluster._targets() if weight] == [other]
    assert f"no pod of {gone} is ready" in sim.state().problem
    sim.cluster.broken.clear()
    sim.until("Promoted", most=200)
    sim.assert_serves_only("2")


def test_weights_that_somebody_changed_are_put_back_and_told() -> None:
    sim = at_gate()
    route = sim.cluster.get("httproutes", ROUTE)
    for rule in route["spec"]["rules"]:
        for backend, weight in zip(rule["backendRefs"], (10, 90), strict=True):
            backend["weight"] = weight
    sim.rounds.run_once()
    assert sim.cluster.shares() == {"1": 50, "2": 50}
    status, reason, message = condition(sim, "Undisturbed")
    assert (status, reason) == ("False", "WeightsPutBack") and f"{CANDIDATE}=90" in message
    assert sim.events().count("Warning WeightsPutBack") == 1
    sim.step()
    assert condition(sim, "Undisturbed")[0] == "True"
    assert sim.events().count("Warning WeightsPutBack") == 1


def test_weights_that_a_rollout_changes_are_nobodys_disturbance() -> None:
    sim = simulate("Standard", replicas=2)
    sim.create()
    sim.until("Promoted", most=200)
    assert not any(event.startswith("Warning") for event in sim.events())


def test_timeouts_filters_and_rules_of_people_stay_in_the_route() -> None:
    sim = simulate("Standard", replicas=2)
    sim.create(promotion="Manual")
    sim.until_gate()
    spec = sim.cluster.get("httproutes", ROUTE)["spec"]
    header = {"type": "ResponseHeaderModifier", "responseHeaderModifier": {"set": [{"name": "x", "value": "y"}]}}
    docs = {"matches": [{"path": {"type": "Exact", "value": "/docs"}}], "backendRefs": [{"name": "docs", "port": 80}]}
    moved = {"matches": [{"path": {"type": "PathPrefix", "value": "/old"}}], "filters": [{"type": "RequestRedirect"}]}
    for rule in spec["rules"]:
        rule |= {"timeouts": {"request": "30s"}, "filters": [header], "name": "mine"}
        rule["backendRefs"][0]["filters"] = [header]
    spec["rules"] = [copy.deepcopy(docs), *spec["rules"], copy.deepcopy(moved)]
    sim.annotate("approved", sim.state().gate)
    sim.until("Promoted", most=200)
    rules = sim.cluster.get("httproutes", ROUTE)["spec"]["rules"]
    assert rules[0] == docs and rules[-1] == moved and len(rules) == 4
    for rule in rules[1:-1]:
        assert rule["timeouts"] == {"request": "30s"} and rule["filters"] == [header] and rule["name"] == "mine"
        [backend] = rule["backendRefs"]
        assert (backend["name"], backend["weight"]) == (STABLE, 100)
    assert "Warning WeightsPutBack" not in sim.events()


def test_a_route_that_people_narrowed_is_split_and_not_widened() -> None:
    sim = simulate("Standard", replicas=2)
    sim.create(promotion="Manual")
    sim.until_gate()
    narrow = {"path": {"type": "PathPrefix", "value": "/v2"}}
    sim.cluster.get("httproutes", ROUTE)["spec"]["rules"][-1]["matches"] = [narrow]
    sim.annotate("approved", sim.state().gate)
    sim.until("Promoted", most=200)
    rules = sim.cluster.get("httproutes", ROUTE)["spec"]["rules"]
    assert len(rules) == 2 and rules[-1]["matches"] == [narrow]
    assert [each["name"] for rule in rules for each in rule["backendRefs"]] == [STABLE, STABLE]
    sim.assert_serves_only("2")


def test_a_route_that_is_deleted_meanwhile_is_told_and_holds_nothing_up() -> None:
    sim = at_gate()
    kept = sim.cluster.objects.pop(("httproutes", ROUTE))
    sim.cluster.check_route = lambda: None  # type: ignore[method-assign]
    sim.rounds.run_once()
    assert "makes a deleted route again" in sim.state().problem
    assert condition(sim, "Undisturbed")[:2] == ("False", "NoRoute")
    assert sim.events().count("Warning NoRoute") == 1
    sim.annotate("aborted", "true")
    for _ in range(10):
        sim.rounds.run_once()
        for pod in sim.cluster.having("pods"):
            sim.cluster._progress(pod)
        sim.cluster._standard()
        sim.cluster.clock += 5
    assert sim.state().phase is Phase.ROLLED_BACK
    assert not sim.cluster.service["spec"].get("canary")
    sim.cluster.objects["httproutes", ROUTE] = kept
    for _ in range(6):
        sim.step()
    sim.assert_serves_only("1")


FOREIGN = {"trafficPercent": 5, "predictor": {"name": "mine", "minReplicas": 0, "model": {"storageUri": "s3://x/1"}}}


@pytest.mark.parametrize("beside", [True, False])
def test_a_canary_of_somebody_else_is_told_and_never_overwritten(beside: bool) -> None:
    sim = at_gate(replicas=2)
    spec = sim.cluster.service["spec"]
    spec["canary"] = [*(spec["canary"] if beside else []), copy.deepcopy(FOREIGN)]
    before = copy.deepcopy(sim.cluster.service["spec"])
    sim.rounds.run_once()
    assert sim.cluster.shares() == ({"1": 50, "2": 50} if beside else {"1": 100})
    for _ in range(4):
        sim.step()
    assert sim.cluster.service["spec"] == before
    state = sim.state()
    assert "has a canary that no rollout made (mine)" in state.problem and "kubectl edit" in state.problem
    assert condition(sim, "Undisturbed")[:2] == ("False", "ForeignCanary")
    assert sim.events().count("Warning ForeignCanary") == 1
    sim.annotate("aborted", "true")
    for _ in range(4):
        sim.step()
    assert sim.cluster.shares() == {"1": 100}
    assert sim.cluster.service["spec"]["canary"] == before["canary"]
    if beside:
        assert sim.state().phase is Phase.ROLLING_BACK and "(mine)" in sim.state().problem
        spec = sim.cluster.service["spec"]
        spec["canary"] = [each for each in spec["canary"] if each["predictor"]["name"] != "mine"]
        sim.until("RolledBack")
        sim.assert_serves_only("1")
    else:
        assert sim.state().phase is Phase.ROLLED_BACK


def test_a_canary_of_somebody_else_beside_that_of_a_deleted_rollout_stays() -> None:
    sim = at_gate(replicas=2)
    sim.cluster.service["spec"]["canary"].append(copy.deepcopy(FOREIGN))
    before = copy.deepcopy(sim.cluster.service["spec"]["canary"])
    del sim.cluster.objects["modelrollouts", "try"]
    for _ in range(4):
        sim.step()
    assert sim.cluster.shares() == {"1": 100}
    assert sim.cluster.service["spec"]["canary"] == before
    sim.cluster.service["spec"]["canary"].pop()
    sim.assert_serves_only("1")


def test_a_rollout_goes_on_once_the_other_canary_is_gone() -> None:
    sim = at_gate(replicas=2)
    sim.cluster.service["spec"]["canary"].append(copy.deepcopy(FOREIGN))
    sim.rounds.run_once()
    sim.cluster.service["spec"]["canary"].pop()
    sim.step()
    assert not sim.state().problem
    sim.annotate("approved", sim.state().gate)
    sim.until("Promoted", most=200)
    sim.assert_serves_only("2")


@pytest.mark.parametrize("name", [STABLE, CANDIDATE])
def test_a_version_with_requests_and_no_ready_pod_is_named(name: str) -> None:
    sim = at_gate(replicas=2)
    splitter = sim.splitter(Api(NAMESPACE, sim.cluster), SERVICE, SERVICE)
    assert isinstance(splitter, StandardSplitter) and splitter.serving().ready
    set_ready(sim, name, False)
    assert splitter.serving().reason == f"requests go to {name}, which has no ready pod"


def test_a_candidate_that_is_to_have_every_request_is_named_even_while_it_lends_them() -> None:
    sim = simulate("Standard", replicas=2)
    sim.create()
    while sim.state().stage is not PromotionStage.SERVICE:
        sim.step()
    set_ready(sim, CANDIDATE, False)
    sim.rounds.run_once()
    splitter = sim.splitter(Api(NAMESPACE, sim.cluster), SERVICE, SERVICE)
    assert [name for name, weight in sim.cluster._targets() if weight] == [STABLE]
    assert isinstance(splitter, StandardSplitter)
    assert splitter.serving().reason == f"requests go to {CANDIDATE}, which has no ready pod"
