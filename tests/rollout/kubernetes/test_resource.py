"""A ModelRollout, there and back: its spec, what people ask of it, its status with conditions."""

from typing import Any

import pytest

from rollout.kubernetes.api import Api
from rollout.kubernetes.model_rollout import state_of, status_of
from rollout.kubernetes.repository import ClusterRepository
from rollout.kubernetes.store import ClusterStore
from rollout.repository import UnknownRollout
from rollout.spec import Spec, SpecError
from rollout.state import Phase, State
from rollout.store import Conflict
from tests.rollout.kubernetes.cluster import NAMESPACE, Cluster


def rollouts(cluster: Cluster) -> ClusterRepository:
    return ClusterRepository(NAMESPACE, Api(NAMESPACE, cluster))


def spec(**changes: Any) -> Spec:
    return Spec.parse({"inferenceService": "match-outcome", **changes})


def test_names_are_told_and_taken_once() -> None:
    here = rollouts(Cluster())
    here.create("first", spec())
    here.create("second", spec())
    assert here.names() == ["first", "second"]
    with pytest.raises(SpecError, match="there is a rollout first in football already"):
        here.create("first", spec())
    with pytest.raises(UnknownRollout, match="no rollout third in football; there are: first, second"):
        here.state("third")


def test_a_state_is_kept_as_it_is() -> None:
    cluster = Cluster()
    rollouts(cluster).create("try", spec())
    store = ClusterStore(Api(NAMESPACE, cluster), "try")
    fresh = store.load()
    assert fresh == State()
    state = fresh.transition(5.0, Phase.SHADOW, "ready", evidence="cGFja2Vk", candidate_version="2")
    store.save(state)
    assert ClusterStore(Api(NAMESPACE, cluster), "try").load() == state
    assert rollouts(cluster).state("try") == state.model_copy(update={"evidence": ""})


def test_of_two_that_decide_on_the_same_state_one_is_refused() -> None:
    cluster = Cluster()
    rollouts(cluster).create("try", spec())
    one, two = (ClusterStore(Api(NAMESPACE, cluster), "try") for _ in range(2))
    state = one.load().transition(5.0, Phase.SHADOW, "ready")
    two.load()
    one.save(state)
    with pytest.raises(Conflict):
        two.save(state)


def test_conditions_change_their_time_with_their_status_alone() -> None:
    thing: dict[str, Any] = {"metadata": {"generation": 2}, "spec": {"inferenceService": "x"}, "status": {}}
    first = status_of(State(phase=Phase.SHADOW, reason="a"), thing)
    old = [{**each, "lastTransitionTime": "2020-01-01T00:00:00Z"} for each in first["conditions"]]
    again = status_of(State(phase=Phase.ROLLED_BACK, reason="b"), {**thing, "status": {"conditions": old}})
    times = {each["type"]: each["lastTransitionTime"] == "2020-01-01T00:00:00Z" for each in again["conditions"]}
    changed = {name for name, kept in times.items() if not kept}
    assert changed == {"Progressing", "Complete", "Reconciling", "Stalled", "Failed"}
    assert {each["observedGeneration"] for each in again["conditions"]} == {2}


def test_a_status_without_a_phase_is_a_fresh_state() -> None:
    assert state_of({"metadata": {}, "status": {"conditions": []}}) == State()
