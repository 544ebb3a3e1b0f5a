"""Copies of users' requests on a cluster: a RequestMirror filter for the shadow step, and nothing of it afterwards."""

import copy
from typing import Any

import pytest

from rollout.kubernetes.api import Api
from rollout.kubernetes.splitters.mirror import Mirror, own_mirrors, with_mirror
from rollout.kubernetes.splitters.sizes import StableSize, needed_pods, weight_like
from rollout.state import Phase
from tests.rollout.kubernetes.cluster import NAMESPACE, SERVICE
from tests.rollout.kubernetes.simulation import Simulation, simulate
from tests.rollout.kubernetes.test_sizes import CANDIDATE, STABLE, condition, sizes

ROUTE = f"{SERVICE}-public"
HEADER = {"type": "ResponseHeaderModifier", "responseHeaderModifier": {"set": [{"name": "x", "value": "y"}]}}
OTHERS = {"type": "RequestMirror", "requestMirror": {"backendRef": {"name": "audit", "port": 80}, "percent": 5}}
DOCS = {"matches": [{"path": {"type": "Exact", "value": "/docs"}}], "backendRefs": [{"name": "docs", "port": 80}]}


def shadowed(mirror: int = 25, **given: Any) -> Simulation:
    """A rollout whose shadow step waits for a person, while requests are copied."""
    room = given.pop("room", 1000)
    sim = simulate("Standard", **given)
    for _ in range(6):
        sim.step()
    sim.cluster.room = room
    sim.create(shadow={"rows": 400, "historyWeeks": 0, "approval": True, "mirror": mirror})
    sim.until("Shadow")
    while not copies(sim):
        sim.step()
    return sim


def rules(sim: Simulation) -> list[dict[str, Any]]:
    return list(sim.cluster.get("httproutes", ROUTE)["spec"]["rules"])


def copies(sim: Simulation) -> list[Mirror]:
    """Of all rules."""
    return [each for rule in rules(sim) for each in own_mirrors(rule, SERVICE)]


def test_every_rule_that_is_split_copies_to_the_candidate_in_the_shadow_step_alone() -> None:
    sim = shadowed()
    assert copies(sim) == [Mirror(CANDIDATE, 25)] * 2
    for rule, port in zip(rules(sim), (8081, 80), strict=True):
        [own] = rule["filters"]
        backend = {"group": "", "kind": "Service", "name": CANDIDATE, "port": port}
        assert own == {"type": "RequestMirror", "requestMirror": {"backendRef": backend, "percent": 25}}
    assert sim.cluster.shares() == {"1": 100}
    sim.until_gate()
    sim.annotate("approved", sim.state().gate)
    sim.until("Progressing")
    while sim.cluster.shares().get("2") != 20:
        sim.step()
    assert copies(sim) == [] and not any("filters" in rule for rule in rules(sim))
    sim.until("Promoted", most=200)
    assert copies(sim) == []
    assert not any(event.startswith("Warning") for event in sim.events())


def test_a_copy_of_every_request_needs_no_percentage() -> None:
    sim = shadowed(100)
    assert all("percent" not in rule["filters"][0]["requestMirror"] for rule in rules(sim))
    assert copies(sim) == [Mirror(CANDIDATE, 100)] * 2


@pytest.mark.parametrize("end", ["abort", "delete", "operator killed, then deleted"])
def test_copies_end_with_the_rollout_however_it_ends(end: str) -> None:
    sim = shadowed()
    if "killed" in end:
        sim.rounds = sim.operator()
    if end == "abort":
        sim.annotate("aborted", "true")
    else:
        sim.cluster.delete("modelrollouts", "try")
    for _ in range(20):
        sim.step()
    assert copies(sim) == [] and not any("filters" in rule for rule in rules(sim))
    sim.assert_serves_only("1")


def test_copies_without_a_candidate_are_what_a_rollout_has_left() -> None:
    sim = shadowed()
    sim.cluster.delete("modelrollouts", "try")
    del sim.cluster.service["spec"]["canary"]
    splitter = sim.splitter(Api(NAMESPACE, sim.cluster, lambda: None), SERVICE, SERVICE)
    left = splitter.leftover()
    assert left is not None and left.candidate == ""
    for _ in range(10):
        sim.step()
    assert copies(sim) == []
    assert splitter.leftover() is None


def test_filters_and_rules_of_people_stay_as_they_are() -> None:
    sim = shadowed()
    spec = sim.cluster.get("httproutes", ROUTE)["spec"]
    for rule in spec["rules"]:
        rule["filters"] = [HEADER, *rule["filters"], OTHERS]
    spec["rules"] = [copy.deepcopy(DOCS), *spec["rules"]]
    sim.step()
    assert rules(sim)[0] == DOCS
    assert [len(rule["filters"]) for rule in rules(sim)[1:]] == [3, 3]
    sim.annotate("aborted", "true")
    for _ in range(20):
        sim.step()
    assert rules(sim)[0] == DOCS
    assert [rule["filters"] for rule in rules(sim)[1:]] == [[HEADER, OTHERS]] * 2
    assert "Warning WeightsPutBack" not in sim.events()


@pytest.mark.parametrize(
    ("percent", "told"),
    [(None, f"no copies in place of copies to {CANDIDATE}=25"), (100, f"copies to {CANDIDATE}=100")],
)
def test_copies_that_somebody_changed_are_put_back_and_told(percent: int | None, told: str) -> None:
    sim = shadowed()
    for rule in sim.cluster.get("httproutes", ROUTE)["spec"]["rules"]:
        if percent is None:
            del rule["filters"]
        else:
            rule["filters"][0]["requestMirror"]["percent"] = percent
    sim.rounds.run_once()
    assert copies(sim) == [Mirror(CANDIDATE, 25)] * 2
    status, reason, message = condition(sim, "Undisturbed")
    assert (status, reason) == ("False", "WeightsPutBack") and told in message
    sim.step()
    assert condition(sim, "Undisturbed")[0] == "True"


def test_a_candidate_without_a_ready_pod_harms_nobody_whose_requests_are_copied() -> None:
    sim = shadowed()
    for pod in sim.cluster.having("pods", f"app=isvc.{CANDIDATE}"):
        pod["status"]["conditions"] = []
    sim.rounds.run_once()
    assert sim.cluster.shares() == {"1": 100}


@pytest.mark.parametrize(("mirror", "pods"), [(1, 2), (25, 2), (50, 2), (100, 4)])
def test_a_candidate_has_pods_for_the_copies(mirror: int, pods: int) -> None:
    sim = shadowed(mirror, replicas=4)
    for _ in range(6):
        sim.step()
    assert sizes(sim) == (4, pods)
    assert sim.state().phase is Phase.SHADOW


def test_a_full_cluster_starts_no_pods_for_copies_and_takes_no_stable_pods_place() -> None:
    sim = shadowed(100, replicas=4, room=5)
    for _ in range(40):
        sim.step()
    assert sizes(sim) == (4, 1)
    assert sim.state().phase is Phase.SHADOW and sim.state().gate


def test_knative_refuses_to_copy_requests() -> None:
    sim = simulate("Knative")
    sim.create(shadow={"rows": 400, "historyWeeks": 0, "mirror": 10})
    assert "shadow.mirror is 10, and requests cannot be copied" in sim.until("Refused").reason


@pytest.mark.parametrize("percent", [1, 40, 100])
def test_filters_are_read_as_they_are_written(percent: int) -> None:
    rule = with_mirror({"matches": []}, SERVICE, Mirror(CANDIDATE, percent), 80)
    assert own_mirrors(rule, SERVICE) == [Mirror(CANDIDATE, percent)]
    assert with_mirror(rule, SERVICE, None, 80) == {"matches": []}
    fraction = {
        "type": "RequestMirror",
        "requestMirror": {"backendRef": {"name": STABLE}, "fraction": {"numerator": 7}},
    }
    assert own_mirrors({"filters": [fraction]}, SERVICE) == [Mirror(STABLE, 7)]


@pytest.mark.parametrize("mirror", range(1, 101))
def test_pods_for_copies_bear_the_load_of_a_stable_one(mirror: int) -> None:
    for pods in range(1, 30):
        needed = needed_pods(StableSize(pods, pods), weight_like(mirror), 1)
        assert needed >= min(pods, pods * mirror / 100)


def test_a_cluster_that_knows_no_percentage_copies_nothing_and_says_so() -> None:
    sim = simulate("Standard")
    for _ in range(6):
        sim.step()

    def prune() -> None:
        """As the API server does with a field that its definition of HTTPRoutes lacks."""
        for rule in rules(sim):
            for each in rule.get("filters", []):
                each["requestMirror"].pop("percent", None)

    answer = sim.cluster._answer

    def pruning(*asked: Any) -> tuple[int, Any]:
        status, found = answer(*asked)
        prune()
        return status, copy.deepcopy(found)

    sim.cluster._answer = pruning  # type: ignore[method-assign]
    sim.create(shadow={"rows": 400, "historyWeeks": 0, "mirror": 25})
    sim.until("Shadow")
    for _ in range(4):
        sim.step()
        assert copies(sim) == []
    assert "have no percentage of requests to copy" in sim.state().problem
