"""Bake of a promotion on a cluster: watched by the operator, taken back by itself, and followed by the next rollout."""

from dataclasses import replace

import pytest

from rollout import window
from rollout.observations.gateway_meter import ADDRESS, GatewayMeter
from rollout.state import Phase
from tests.rollout.fakes import count_errors
from tests.rollout.kubernetes.simulation import Simulation, both_modes, simulate

BAKE = 120.0


@pytest.fixture(autouse=True)
def _quick_judge(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window, "judge", count_errors)


def baking(mode: str, **given: int) -> Simulation:
    """A cluster in which version 2 was promoted just now, and is watched."""
    sim = simulate(mode, **given)
    sim.create(bakeSeconds=BAKE)
    sim.until("Baking")
    return sim


def condition(sim: Simulation, kind: str) -> str:
    status = sim.cluster.get("modelrollouts", "try")["status"]
    return next(str(each["status"]) for each in status["conditions"] if each["type"] == kind)


@both_modes
def test_it_is_ready_at_once_and_complete_after_the_bake(mode: str) -> None:
    sim = baking(mode)
    sim.assert_serves_only("2")
    assert sim.state().phase is Phase.BAKING
    status = sim.cluster.get("modelrollouts", "try")["status"]
    assert status["progress"] == "bake" and status["needs"].endswith(" more, to the end of the bake")
    assert [condition(sim, kind) for kind in ("Ready", "Reconciling", "Complete")] == ["True", "False", "Unknown"]
    assert sim.until("Promoted").reason.startswith("version 2 is champion and serves every request: its bake has ended")
    assert [condition(sim, kind) for kind in ("Ready", "Reconciling", "Complete")] == ["True", "False", "True"]
    assert "Normal Baking" in sim.events() and "Normal Promoted" in sim.events()


@both_modes
@pytest.mark.parametrize("replicas", [1, 3])
def test_errors_take_it_back_without_losing_a_request(mode: str, replicas: int) -> None:
    """The cluster insists after every write that all shares lead to ready pods."""
    sim = baking(mode, replicas=replicas)
    sim.world.errors["2"] = 0.05
    state = sim.until("RolledBack", most=60)
    assert state.reason.startswith("after its promotion: errors recent: ")
    sim.assert_serves_only("1")
    assert "2" in sim.world.marked
    assert [condition(sim, kind) for kind in ("Ready", "Failed", "Stalled")] == ["False", "True", "True"]


@both_modes
def test_a_restart_of_one_of_its_pods_takes_it_back(mode: str) -> None:
    sim = baking(mode)
    sim.step()
    sim.step()
    pod = next(pod for pod in sim.cluster.having("pods") if pod["version"] == "2")
    pod["status"]["containerStatuses"] = [{"name": "kserve-container", "restartCount": 1}]
    assert "restarted once" in sim.until("RolledBack", most=60).reason
    sim.assert_serves_only("1")


@both_modes
@pytest.mark.parametrize("replicas", [1, 3])
@pytest.mark.parametrize("failing", ["1", "2"])
def test_what_only_the_gateway_sees_fail_counts_for_the_version_whose_pods_failed(
    mode: str, replicas: int, failing: str
) -> None:
    """Connections that a gateway by pods saw reset: during the whole bake, and to no pod of the other version."""
    sim = simulate(mode, replicas=replicas)
    lost: dict[str, int] = {}

    def ask(query: str) -> list[tuple[dict[str, str], float]]:
        for pod in sim.cluster.having("pods"):
            address = f"{pod['status']['podIP']}:8080"
            baked = pod["version"] == failing and sim.state().phase is Phase.BAKING
            lost[address] = lost.get(address, 0) + (2000 if baked else 0)
        return [({ADDRESS: address}, float(count)) for address, count in lost.items()]

    sim.rounds._sources = replace(sim.rounds._sources, gateway=GatewayMeter(ask))
    sim.create(bakeSeconds=BAKE)
    sim.until("Baking")
    state = sim.until("RolledBack", "Promoted", most=60)
    if failing == "1":
        assert state.phase is Phase.PROMOTED, state.reason
        return
    assert state.reason.startswith("after its promotion: errors recent: the rate of requests not answered rose: ")
    sim.assert_serves_only("1")


@both_modes
@pytest.mark.parametrize("bad", [False, True])
def test_an_operator_that_is_killed_before_any_write_of_the_bake_costs_time_only(mode: str, bad: bool) -> None:
    end = "RolledBack" if bad else "Promoted"
    whole = baking(mode)
    begun = whole.cluster.writes
    whole.world.errors["2"] = 0.05 if bad else 0.0
    whole.until(end)
    for at in range(begun + 1, whole.cluster.writes + 1):
        sim = baking(mode)
        sim.world.errors["2"] = 0.05 if bad else 0.0
        sim.cluster.kill_at = at
        sim.until(end)
        assert sim.kills == 1
        sim.assert_serves_only("1" if bad else "2")


@both_modes
@pytest.mark.parametrize(("key", "value"), [("aborted", "true"), ("undo", "1")])
def test_a_person_takes_it_back(mode: str, key: str, value: str) -> None:
    sim = baking(mode)
    sim.annotate(key, value)
    sim.until("RolledBack", most=60)
    sim.assert_serves_only("1")


@both_modes
def test_a_person_ends_the_bake(mode: str) -> None:
    sim = baking(mode)
    sim.annotate("approved", "1/bake")
    assert sim.until("Promoted", most=2).reason.endswith("a person ended its bake")
    assert condition(sim, "CommandsUnderstood") == "True"


@both_modes
def test_a_deleted_modelrollout_ends_its_bake_and_the_promotion_stays(mode: str) -> None:
    sim = baking(mode)
    sim.cluster.delete("modelrollouts", "try")
    sim.world.errors["2"] = 0.05
    sim.assert_serves_only("2")
    assert not sim.world.marked


@both_modes
def test_a_modelrollout_whose_deletion_waits_for_something_keeps_its_promotion(mode: str) -> None:
    """As with `kubectl delete --cascade=foreground`."""
    sim = baking(mode)
    meta = sim.cluster.get("modelrollouts", "try")["metadata"]
    meta |= {"deletionTimestamp": "2026-05-02T10:00:00Z", "finalizers": ["foregroundDeletion"]}
    for _ in range(4):
        sim.step()
    assert sim.state().phase is Phase.BAKING
    sim.assert_serves_only("2")


@both_modes
def test_a_bake_in_which_nothing_happens_is_saved_every_half_minute(mode: str) -> None:
    """Its evidence and then its status; 20 rounds are 100 s."""
    sim = baking(mode)
    sim.step()
    sim.step()
    begun = sim.cluster.writes
    for _ in range(20):
        sim.step()
    assert sim.state().phase is Phase.BAKING
    assert sim.cluster.writes - begun <= 8


@both_modes
def test_a_newer_rollout_waits_for_the_end_of_the_bake(mode: str) -> None:
    sim = baking(mode)
    sim.create("newer", candidate="3")
    for _ in range(4):
        sim.step()
    assert sim.state("newer").phase is Phase.PENDING
    assert sim.state("newer").reason == "waits for the end of rollout try of the same service"
    sim.until("Promoted")
    sim.until("Starting", "Shadow", name="newer", most=4)
    assert sim.state("newer").stable_version == "2"
