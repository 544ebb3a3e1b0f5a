"""Specifications that a newer definition wrote, and those that cannot be read at all."""

from typing import Any

import pytest

from rollout.state import Phase, PromotionStage
from tests.rollout.kubernetes.simulation import Simulation, simulate


def spec_condition(sim: Simulation) -> dict[str, Any]:
    conditions = sim.cluster.get("modelrollouts", "try")["status"]["conditions"]
    return {each["type"]: each for each in conditions}["SpecUnderstood"]


def test_unknown_keys_are_ignored_and_named() -> None:
    sim = simulate("Standard")
    steps = [{"weight": 20, "holdSeconds": 10, "bake": 5}]
    sim.create(mood="good", limits={"jitter": 0.1}, steps=steps)
    sim.until("Promoted")
    sim.assert_serves_only("2")
    assert (spec_condition(sim)["status"], spec_condition(sim)["reason"]) == ("False", "UnknownKeys")
    for name in ("mood", "limits.jitter", "steps.0.bake"):
        assert name in spec_condition(sim)["message"]
    assert sim.events().count("Warning SpecNotUnderstood") == 1


def test_keys_that_come_and_go_while_it_runs_change_nothing_but_the_condition() -> None:
    sim = simulate("Standard")
    sim.create(promotion="Manual")
    sim.until_gate()
    sim.cluster.get("modelrollouts", "try")["spec"]["mood"] = "good"
    sim.step()
    assert spec_condition(sim)["status"] == "False" and sim.state().gate
    del sim.cluster.get("modelrollouts", "try")["spec"]["mood"]
    sim.step()
    assert spec_condition(sim)["status"] == "True"
    sim.annotate("approved", sim.state().gate)
    sim.until("Promoted")


UNREADABLE: list[dict[str, Any]] = [
    {"promotion": "Perhaps"},
    {"steps": [{"weight": 50}, {"weight": 5}]},
    {"steps": [{"percent": 5}]},
    {"limits": {"required": ["luck"]}},
]


@pytest.mark.parametrize("wrong", UNREADABLE, ids=str)
@pytest.mark.parametrize("place", ["Starting", "Progressing", *PromotionStage])
def test_a_rollout_whose_spec_cannot_be_read_honours_an_abort(wrong: dict[str, Any], place: str) -> None:
    sim = simulate("Standard", replicas=2)
    sim.create()
    if place == PromotionStage.UNDO:
        while sim.state().stage is not PromotionStage.SERVICE:
            sim.step()
        sim.annotate("aborted", "true")
    while place not in (str(sim.state().phase), str(sim.state().stage)):
        sim.step()
    before = sim.state()
    sim.cluster.get("modelrollouts", "try")["spec"].update(wrong)
    for _ in range(5):
        sim.step()
    if place != PromotionStage.UNDO:
        assert sim.state().history == before.history
        assert "mend it, or abort" in sim.state().problem
        assert (spec_condition(sim)["status"], spec_condition(sim)["reason"]) == ("False", "Unreadable")
        assert sim.events().count("Warning SpecNotUnderstood") == 1
    sim.annotate("aborted", "true")
    assert sim.until("RolledBack").reason == "aborted by a person"
    sim.assert_serves_only("1")


@pytest.mark.parametrize("wrong", UNREADABLE, ids=str)
def test_a_rollout_whose_spec_cannot_be_read_may_be_deleted(wrong: dict[str, Any]) -> None:
    sim = simulate("Standard")
    sim.create()
    sim.until("Progressing")
    sim.cluster.get("modelrollouts", "try")["spec"].update(wrong)
    sim.step()
    sim.cluster.delete("modelrollouts", "try")
    for _ in range(20):
        sim.step()
    sim.assert_serves_only("1")


def test_a_mended_spec_goes_on_where_it_was() -> None:
    sim = simulate("Standard")
    sim.create()
    sim.until("Progressing")
    spec = sim.cluster.get("modelrollouts", "try")["spec"]
    spec["promotion"] = "Perhaps"
    for _ in range(5):
        sim.step()
    spec["promotion"] = "Automatic"
    state = sim.until("Promoted")
    assert state.problem == "" and spec_condition(sim)["status"] == "True"


def test_a_spec_that_cannot_be_read_is_refused_before_it_begins() -> None:
    sim = simulate("Standard")
    sim.create(promotion="Perhaps")
    assert "promotion" in sim.until("Refused").reason
    for _ in range(20):
        sim.step()
    assert len(sim.state().history) == 1
    assert sim.state().phase is Phase.REFUSED


@pytest.mark.parametrize("spec", [{}, {"inferenceService": ""}, {"service": "match-outcome"}])
def test_one_that_names_no_service_holds_up_no_other(spec: dict[str, Any]) -> None:
    sim = simulate("Standard")
    sim.cluster.put("modelrollouts", "odd", {"spec": spec}, uid="u")
    sim.create()
    sim.until("Promoted")
    assert sim.state("odd").phase is Phase.REFUSED


@pytest.mark.parametrize("wrong", UNREADABLE, ids=str)
def test_one_that_was_promoted_stays_so_and_can_be_undone(wrong: dict[str, Any]) -> None:
    """Such as one that an earlier release carried out, and this one would refuse."""
    sim = simulate("Standard")
    sim.create()
    sim.until("Promoted")
    sim.cluster.get("modelrollouts", "try")["spec"].update(wrong)
    sim.cluster.get("modelrollouts", "try")["metadata"]["generation"] += 1
    for _ in range(30):
        sim.step()
    assert sim.state().phase is Phase.PROMOTED and spec_condition(sim)["status"] == "False"
    sim.annotate("undo", "1")
    sim.until("RolledBack")
    sim.assert_serves_only("1")


FULL = [{"weight": 20, "holdSeconds": 10}, {"weight": 100, "holdSeconds": 10}]


def test_a_step_of_100_percent_that_comes_past_the_definition_is_refused_before_it_begins() -> None:
    sim = simulate("Standard")
    sim.create(steps=FULL)
    assert "end with a smaller weight, such as 50" in sim.until("Refused").reason


def test_a_rollout_of_an_earlier_release_with_such_a_step_still_ends() -> None:
    sim = simulate("Standard")
    sim.create(steps=[{"weight": 20, "holdSeconds": 10}, {"weight": 50, "holdSeconds": 10}])
    sim.until("Progressing")
    sim.cluster.get("modelrollouts", "try")["spec"]["steps"] = FULL
    sim.until("Promoted")
    sim.assert_serves_only("2")
