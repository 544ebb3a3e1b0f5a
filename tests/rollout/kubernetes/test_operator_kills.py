"""Operators that are killed, fenced off or disturbed between any two writes, and an API that is down."""

from typing import Any

from rollout.kubernetes.lease import NotHolder
from rollout.state import Phase
from tests.rollout.kubernetes.simulation import Simulation, both_modes, simulate


@both_modes
def test_an_api_that_is_down_for_a_while_in_any_phase_costs_time_only(mode: str) -> None:
    sim = simulate(mode)
    sim.create()
    for _ in range(60):
        sim.step()
        sim.cluster.failing = True
        sim.step()
        sim.cluster.failing = False
        if sim.state().ended:
            break
    assert sim.state().phase is Phase.PROMOTED
    sim.assert_serves_only("2")


@both_modes
def test_the_operator_may_be_killed_before_any_write(mode: str) -> None:
    whole = simulate(mode)
    whole.create()
    begun = whole.cluster.writes
    whole.until("Promoted")
    for at in range(begun + 1, whole.cluster.writes + 1):
        sim = simulate(mode)
        sim.create()
        sim.cluster.kill_at = at
        sim.until("Promoted")
        assert sim.kills == 1
        sim.assert_serves_only("2")


@both_modes
def test_a_roll_back_may_be_killed_before_any_write(mode: str) -> None:
    whole = simulate(mode)
    whole.world.errors["2"] = 0.5
    whole.create()
    whole.until("RolledBack")
    for at in range(1, whole.cluster.writes + 1):
        sim = simulate(mode)
        sim.world.errors["2"] = 0.5
        sim.create()
        sim.cluster.kill_at = at
        sim.until("RolledBack")
        sim.assert_serves_only("1")


@both_modes
def test_a_write_by_somebody_else_costs_one_round(mode: str) -> None:
    sim = simulate(mode)
    sim.create()
    for count in range(120):
        if count % 2:
            sim.rounds._api._transport = _Meddler(sim)  # type: ignore[assignment]
        else:
            sim.rounds = sim.operator()
        sim.step()
        if sim.state().ended:
            break
    assert sim.state().phase is Phase.PROMOTED


class _Meddler:
    """Somebody who annotates a rollout between a load and the save after it."""

    def __init__(self, sim: Simulation) -> None:
        self.sim = sim

    def ask(self, method: str, path: str, *given: Any) -> Any:
        answer = self.sim.cluster.ask(method, path, *given)
        if method == "GET" and path.endswith("/modelrollouts/try"):
            thing = self.sim.cluster.get("modelrollouts", "try")
            self.sim.cluster.count += 1
            thing["metadata"]["resourceVersion"] = str(self.sim.cluster.count)
        return answer


def test_an_operator_without_the_lease_writes_nothing() -> None:
    sim = simulate("Standard")
    sim.create()
    other = sim.operator(_refuse_write)
    for _ in range(30):
        before = sim.cluster.writes
        other.run_once()
        assert sim.cluster.writes == before
        sim.step()
    assert sim.state().phase is not Phase.PENDING


def _refuse_write() -> None:
    raise NotHolder("another operator holds the lease")
