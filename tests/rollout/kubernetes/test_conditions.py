"""Conditions of a ModelRollout as tools read them: kstatus, `kubectl wait`, and Matchday's own."""

from typing import Any

import pytest

from rollout.kubernetes.model_rollout import status_of
from rollout.state import ENDED, Phase, State
from tests.rollout.kubernetes.simulation import both_modes, simulate

THING = {"metadata": {"generation": 1}, "spec": {"inferenceService": "match-outcome"}}


def conditions(state: State, thing: dict[str, Any] = THING) -> dict[str, dict[str, Any]]:
    return {each["type"]: each for each in status_of(state, thing)["conditions"]}


def kstatus(thing: dict[str, Any]) -> str:
    """The status that kstatus computes of any resource (sigs.k8s.io/cli-utils, `status.Compute`)."""
    if "deletionTimestamp" in thing["metadata"]:
        return "Terminating"
    status = thing.get("status") or {}
    if status.get("observedGeneration", thing["metadata"]["generation"]) != thing["metadata"]["generation"]:
        return "InProgress"
    found = {each["type"]: each["status"] for each in status.get("conditions", [])}
    if found.get("Reconciling") == "True":
        return "InProgress"
    if found.get("Stalled") == "True":
        return "Failed"
    return "Current" if found.get("Ready", "True") == "True" else "InProgress"


@pytest.mark.parametrize(
    ("state", "told"),
    [
        (State(), {"Progressing": "False", "Complete": "Unknown"}),
        (State(phase=Phase.PROGRESSING, verdict="wait"), {"Progressing": "True", "Passed": "Unknown"}),
        (State(phase=Phase.PROGRESSING, paused=True), {"Progressing": "False"}),
        (State(phase=Phase.PROGRESSING, verdict="pass", gate="1/20"), {"Passed": "True", "Waiting": "True"}),
        (State(phase=Phase.ROLLING_BACK, verdict="fail"), {"Passed": "False", "Complete": "Unknown"}),
        (State(phase=Phase.PROMOTED), {"Complete": "True", "Progressing": "False", "Failed": "False", "Ready": "True"}),
        (State(phase=Phase.BAKING), {"Complete": "Unknown", "Progressing": "True", "Failed": "False", "Ready": "True"}),
        (State(phase=Phase.ROLLED_BACK), {"Complete": "False", "Failed": "True", "Ready": "False"}),
        (State(phase=Phase.REFUSED), {"Complete": "False", "Failed": "True", "Ready": "False"}),
    ],
)
def test_conditions_say_how_it_stands(state: State, told: dict[str, str]) -> None:
    found = {name: each["status"] for name, each in conditions(state).items()}
    assert told.items() <= found.items()


@pytest.mark.parametrize("paused", [False, True])
@pytest.mark.parametrize("gate", ["", "1/20"])
@pytest.mark.parametrize("phase", Phase)
def test_kstatus_says_current_only_when_promoted_and_failed_only_when_nothing_comes(
    phase: Phase, gate: str, paused: bool
) -> None:
    state = State(phase=phase, gate=gate, paused=paused, reason="so it is")
    expected = {Phase.PROMOTED: "Current", Phase.ROLLED_BACK: "Failed", Phase.REFUSED: "Failed"}
    expected[Phase.BAKING] = "Current"  # it serves every request, and is only watched
    thing = {**THING, "status": status_of(state, THING)}
    assert kstatus(thing) == expected.get(phase, "InProgress")
    found = conditions(state)
    assert (found["Reconciling"]["status"], found["Stalled"]["status"]) != ("True", "True")
    assert (found["Failed"]["status"] == "True") == (expected.get(phase) == "Failed")
    if found["Reconciling"]["status"] == "True":
        reasons = {"Paused": paused, "AwaitsApproval": bool(gate) and not paused}
        assert reasons.get(found["Reconciling"]["reason"], not paused and not gate)


def test_what_is_stuck_is_stalled_and_says_why() -> None:
    late = State(phase=Phase.ROLLING_BACK, stalled=True, problem="no HTTPRoute")
    assert (conditions(late)["Stalled"]["status"], conditions(late)["Stalled"]["message"]) == ("True", "no HTTPRoute")
    held = {**THING, "spec": {"inferenceService": "x", "promotion": "Perhaps"}}
    found = conditions(State(phase=Phase.PROGRESSING), held)
    assert (found["Stalled"]["reason"], found["Reconciling"]["status"]) == ("SpecUnreadable", "False")
    assert "promotion" in found["Stalled"]["message"]


@both_modes
@pytest.mark.parametrize("bad", [False, True])
def test_a_rollout_is_in_progress_until_it_ends_and_what_it_ends_as_then(mode: str, bad: bool) -> None:
    sim = simulate(mode)
    sim.world.errors["2"] = 0.5 if bad else 0.0
    sim.create()
    for _ in range(120):
        sim.step()
        thing = sim.cluster.get("modelrollouts", "try")
        if sim.state().phase in ENDED:
            break
        assert kstatus(thing) == "InProgress"
    assert kstatus(thing) == ("Failed" if bad else "Current")


def test_the_step_is_told_as_people_count() -> None:
    steps = {**THING, "spec": {"inferenceService": "x", "steps": [{"weight": 5}, {"weight": 50}]}}
    progress = [
        status_of(state, steps)["progress"]
        for state in (
            State(),
            State(phase=Phase.SHADOW),
            State(phase=Phase.PROGRESSING, step=0),
            State(phase=Phase.PROGRESSING, step=1),
            State(phase=Phase.PROMOTING, step=1),
        )
    ]
    assert progress == ["", "shadow", "1/2", "2/2", ""]
    assert status_of(State(phase=Phase.PROGRESSING, step=2), THING)["progress"] == "3/3"
