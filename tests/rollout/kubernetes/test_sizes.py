"""Sizes of both versions while a rollout runs: like load for like pods, and a stable version that keeps its pods."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.kubernetes.splitters.hand_back import HandBack, HandBackStep, next_step
from rollout.kubernetes.splitters.sizes import StableSize, follow, least_pods, most_borrowed, needed_pods
from rollout.state import PromotionStage
from tests.rollout.kubernetes.simulation import Simulation, simulate
from tests.rollout.kubernetes.test_pods import restarted

STABLE, CANDIDATE = "match-outcome-predictor", "match-outcome-v2-predictor"


def sizes(sim: Simulation) -> tuple[int, int]:
    """Ready pods of the stable version and of the candidate."""
    return len(sim.cluster._ready(STABLE)), len(sim.cluster._ready(CANDIDATE))


def watch(sim: Simulation, least: int) -> list[tuple[int, int, int]]:
    """Weight of the candidate and ready pods of both versions after each change; never fewer stable ones than this."""
    seen: list[tuple[int, int, int]] = []

    def look() -> None:
        stable, candidate = sizes(sim)
        weights = dict(sim.cluster._targets())
        share = 100 * weights.get(CANDIDATE, 0) // (sum(weights.values()) or 1)
        assert stable >= least, f"{stable} stable pods of {least}"
        seen.append((share, stable, candidate))

    sim.cluster.on_write = look
    return seen


@pytest.mark.parametrize("replicas", [1, 2, 3])
def test_the_stable_version_keeps_its_pods_during_a_rollout(replicas: int) -> None:
    sim = simulate("Standard", replicas=replicas)
    for _ in range(6):
        sim.step()
    seen = watch(sim, replicas)
    sim.create()
    sim.until("Promoted", most=200)
    assert {share for share, _, _ in seen} >= {20, 50, 100}
    assert all(candidate >= replicas for share, _, candidate in seen if share == 100)
    sim.assert_serves_only("2")
    assert sizes(sim) == (replicas, 0)


@pytest.mark.parametrize("autoscaler", ["hpa", "keda", "external"])
def test_a_candidate_follows_what_runs_and_not_the_least_number_of_pods(autoscaler: str) -> None:
    sim = simulate("Standard", replicas=2, autoscaler=autoscaler, demand=10)
    for _ in range(6):
        sim.step()
    assert sizes(sim) == (10, 0)
    seen = watch(sim, 1)
    sim.create()
    sim.until("Promoted", most=400)
    for share, stable, candidate in seen:
        carried = stable if share == 0 else candidate if share == 100 else stable + candidate
        assert carried >= 7, f"{carried} of 10 pods carry the requests at {share} %"
        if 0 < share <= 50:
            assert candidate >= stable * share // (100 - share), "a candidate's pod has more requests than a stable one"
    assert max(candidate for share, _, candidate in seen if share == 100) >= 10
    for _ in range(3):
        sim.step()
    sim.assert_serves_only("2")
    assert sizes(sim)[0] >= 10


def test_the_weight_waits_for_the_pods() -> None:
    sim = simulate("Standard", replicas=4)
    sim.create(promotion="Manual", steps=[{"weight": 20, "holdSeconds": 10}, {"weight": 50, "holdSeconds": 10}])
    sim.until("Progressing")
    while sim.state().weight != 50:
        sim.step()
    sim.cluster.room = len(sim.cluster.having("pods"))
    for _ in range(5):
        sim.step()
    assert dict(sim.cluster._targets())[CANDIDATE] == 20
    assert sizes(sim) == (4, 2)
    sim.cluster.room = 100
    for _ in range(5):
        sim.step()
    assert dict(sim.cluster._targets())[CANDIDATE] == 50 and sizes(sim) == (4, 4)


def condition(sim: Simulation, kind: str) -> tuple[str, str, str]:
    found = sim.cluster.get("modelrollouts", "try")["status"]["conditions"]
    [it] = [each for each in found if each["type"] == kind]
    return it["status"], it["reason"], it["message"]


@pytest.mark.parametrize(("replicas", "least"), [(2, 1), (3, 1), (5, 1)])
def test_where_no_node_has_room_a_candidate_takes_places_but_never_the_last(replicas: int, least: int) -> None:
    sim = simulate("Standard", replicas=replicas)
    for _ in range(8):
        sim.step()
    sim.cluster.room = replicas + 1
    watch(sim, least)
    sim.create(readySeconds=900, promotionSeconds=1500)
    sim.until("Progressing", most=200)
    while sim.state().weight != 50:
        sim.step()
    while dict(sim.cluster._targets()).get(CANDIDATE) != 50:
        sim.step()
    stable, candidate = sizes(sim)
    assert stable >= replicas // 2 and candidate >= replicas // 2 and stable + candidate >= replicas
    sim.until("Promoting", most=400)
    while dict(sim.cluster._targets()).get(CANDIDATE) != 100:
        sim.step()
    assert sizes(sim)[1] >= replicas - 1 and sum(sizes(sim)) >= replicas
    status, reason, message = condition(sim, "StableKept")
    assert (status, reason) == ("False", "NoRoom") and "took the places of stable pods" in message
    assert "Warning NoRoom" in sim.events()
    sim.until("Promoted", most=400)
    sim.assert_serves_only("2")
    assert sizes(sim) == (replicas, 0)


def test_a_service_of_one_pod_lends_no_place() -> None:
    sim = simulate("Standard", replicas=1)
    for _ in range(6):
        sim.step()
    sim.cluster.room = 1
    sim.create(readySeconds=200)
    state = sim.until("RolledBack", most=100)
    assert "finds no node: 0/1 nodes are available" in state.reason
    sim.assert_serves_only("1")


def test_an_autoscaler_lends_no_place() -> None:
    sim = simulate("Standard", replicas=2, autoscaler="hpa", demand=4)
    for _ in range(6):
        sim.step()
    sim.cluster.room = 4
    watch(sim, 4)
    sim.create(readySeconds=200)
    state = sim.until("RolledBack", most=100)
    assert "finds no node" in state.reason
    sim.assert_serves_only("1")


def test_a_pod_more_that_finds_no_node_is_no_fault_of_the_candidate() -> None:
    sim = simulate("Standard", replicas=2, autoscaler="hpa", demand=4)
    for _ in range(6):
        sim.step()
    sim.create(promotion="Manual", steps=[{"weight": 50, "holdSeconds": 10}])
    sim.until_gate()
    sim.cluster.room, sim.cluster.demand = len(sim.cluster.having("pods")), 16
    for _ in range(60):
        sim.step()
    assert sim.state().gate and not sim.state().silent_since
    status, reason, message = condition(sim, "StableKept")
    assert (status, reason) == ("True", "NoRoomYet") and "finds no node" in message


def test_a_canary_of_an_earlier_release_goes_on_and_gives_the_places_back() -> None:
    sim = simulate("Standard", replicas=2)
    sim.create(promotion="Manual")
    sim.until_gate()
    [entry] = sim.cluster.service["spec"]["canary"]
    del entry["predictor"]["annotations"]["serving.kserve.io/autoscalerClass"]
    entry["predictor"]["minReplicas"] = 1
    sim.cluster.settle()
    assert sizes(sim) == (1, 1)
    since = sim.state().since
    for _ in range(6):
        sim.step()
    assert sizes(sim) == (2, 2) and sim.state().since == since
    sim.annotate("approved", sim.state().gate)
    sim.until("Promoted", most=200)
    sim.assert_serves_only("2")


def test_a_promotion_of_an_earlier_release_is_carried_to_its_end() -> None:
    sim = simulate("Standard", replicas=3)
    sim.create()
    sim.until("Promoting", most=100)
    while sim.state().stage is not PromotionStage.SERVICE:
        sim.step()
    [entry] = sim.cluster.service["spec"]["canary"]
    del entry["predictor"]["annotations"]["serving.kserve.io/autoscalerClass"]
    entry["predictor"]["minReplicas"] = 3
    sim.cluster.settle()
    sim.until("Promoted", most=200)
    sim.assert_serves_only("2")
    assert sizes(sim) == (3, 0)


def test_restarts_do_not_change_sizes() -> None:
    sim = simulate("Standard", replicas=2)
    sim.create(promotion="Manual")
    sim.until_gate()
    before = sizes(sim)
    sim.cluster._ready(CANDIDATE)[0]["status"]["containerStatuses"] = [restarted(3)]
    writes = sim.cluster.writes
    sim.rounds.run_once()
    assert sizes(sim) == before
    assert all("/modelrollouts/" in path for path in sim.cluster.written[writes:]), "a quiet round writes its status"


@given(pods=st.integers(1, 40), weight=st.integers(1, 99), more=st.integers(0, 20))
def test_a_candidates_pod_has_no_more_requests_than_a_stable_one(pods: int, weight: int, more: int) -> None:
    fixed = StableSize(pods, pods)
    needed = needed_pods(fixed, weight, 1)
    assert min(2, pods) <= needed <= pods
    assert needed == pods or weight / needed <= (100 - weight) / pods
    assert needed_pods(fixed, 100, needed) == pods
    grown = StableSize(pods, pods + more, autoscaled=True, share=weight)
    assert pods <= needed_pods(grown, 100, needed) <= pods + more


@given(pods=st.integers(1, 40), weight=st.integers(1, 100))
def test_borrowing_leaves_the_stable_version_its_share_and_a_pod(pods: int, weight: int) -> None:
    most = most_borrowed(StableSize(pods, pods), weight)
    assert pods - most >= max(1, math.floor(pods * (100 - weight) / 100))
    for borrowed in range(most + 1):
        size = StableSize(pods - borrowed, pods, borrowed=borrowed)
        assert most_borrowed(size, weight) == most
        least = least_pods(size, weight)
        assert least == most if most and borrowed == most else least >= max(1, most)
        assert least <= needed_pods(size, weight, 1)
    assert most_borrowed(StableSize(pods, pods, autoscaled=True), weight) == 0


@given(now=st.integers(0, 50), needed=st.integers(1, 50))
def test_a_candidate_grows_at_once_and_shrinks_seldom(now: int, needed: int) -> None:
    size = follow(now, needed)
    assert size >= needed
    assert size in (now, needed)
    assert follow(size, needed) == size


@given(pods=st.integers(1, 40), stable=st.integers(1, 5))
def test_an_autoscaled_hand_back_ends_whatever_the_load_is(pods: int, stable: int) -> None:
    size = StableSize(stable, 100, autoscaled=True, share=100)
    offered, steps = None, 0
    while (step := next_step(HandBack(stable, pods, size, offered, 60.0))) != HandBackStep(0):
        assert step is not None and step.candidate < pods
        assert next_step(HandBack(stable, pods, size, step.candidate, 3.0)) == step, "a kill repeats the same step"
        pods = offered = step.candidate
        steps += 1
    assert steps < 14
