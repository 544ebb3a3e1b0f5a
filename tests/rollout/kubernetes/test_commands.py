"""Commands of people to a ModelRollout: annotations and edits."""

from rollout.state import Phase
from tests.rollout.kubernetes.simulation import both_modes, simulate


@both_modes
def test_people_pause_approve_and_abort_by_annotations(mode: str) -> None:
    sim = simulate(mode)
    sim.create(promotion="Manual")
    sim.until("Progressing")
    sim.annotate("paused", "true")
    for _ in range(10):
        sim.step()
    assert (sim.state().weight, sim.state().paused) == (20, True)
    sim.annotate("paused", "false")
    for _ in range(40):
        sim.step()
    assert sim.state().gate == "1/promotion"
    assert "Normal AwaitsApproval" in sim.events()
    assert "Normal Paused" in sim.events()
    sim.annotate("approved", "1/promotion")
    sim.until("Promoted")
    sim.assert_serves_only("2")


@both_modes
def test_a_second_rollout_of_a_service_waits_for_the_first(mode: str) -> None:
    sim = simulate(mode)
    sim.create()
    sim.create("later", candidate="3")
    sim.until("Progressing")
    assert sim.state("later").phase is Phase.PENDING
    assert "rollout try" in sim.state("later").reason


def test_an_edited_candidate_is_tried_once_the_attempt_has_ended() -> None:
    sim = simulate("Standard")
    sim.create()
    sim.until("Promoted")
    sim.cluster.get("modelrollouts", "try")["spec"]["candidate"] = "3"
    state = sim.until("Starting")
    assert (state.attempt, state.candidate_version) == (2, "3")


def test_an_aborted_rollout_that_never_began_is_refused_once() -> None:
    sim = simulate("Standard")
    sim.create()
    sim.annotate("aborted", "true")
    for _ in range(40):
        sim.step()
    assert (sim.state().phase, sim.state().attempt, len(sim.state().history)) == (Phase.REFUSED, 1, 1)
