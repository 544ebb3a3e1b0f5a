"""Operators that are killed before any write that sizes pods, counts evictions or moves requests."""

from collections.abc import Callable

import pytest

from rollout.state import PromotionStage
from tests.rollout.kubernetes.simulation import Simulation, simulate
from tests.rollout.kubernetes.test_disturbances import at_gate, set_ready
from tests.rollout.kubernetes.test_sizes import CANDIDATE, STABLE, sizes, watch

SIZING = ("deployments", "poddisruptionbudgets", "inferenceservices", "httproutes")
SPEC = {"steps": [{"weight": 50, "holdSeconds": 5}], "shadow": None, "readySeconds": 900, "promotionSeconds": 3000}


def fixed() -> Simulation:
    """Three pods, and room for as many more."""
    return _quiet(simulate("Standard", replicas=3))


def autoscaled() -> Simulation:
    """Four pods by an autoscaler whose least number is two."""
    return _quiet(simulate("Standard", replicas=2, autoscaler="hpa", demand=4))


def full() -> Simulation:
    """Three pods, and room for one more."""
    sim = _quiet(simulate("Standard", replicas=3))
    sim.cluster.room = 4
    return sim


def _quiet(sim: Simulation) -> Simulation:
    for _ in range(6):
        sim.step()
    return sim


@pytest.mark.parametrize(("world", "least"), [(fixed, 3), (autoscaled, 1), (full, 1)])
@pytest.mark.parametrize("errs", [False, True])
def test_an_operator_may_be_killed_before_any_write_that_sizes_or_routes(
    world: Callable[[], Simulation], least: int, errs: bool
) -> None:
    whole = _run(world(), least, errs, 0)
    moments = [at for at, path in enumerate(whole.cluster.written, 1) if any(kind in path for kind in SIZING)]
    assert len(moments) > 10
    for at in moments if world is fixed else moments[errs::3]:
        sim = _run(world(), least, errs, at)
        assert sizes(sim) == sizes(whole)


def _run(sim: Simulation, least: int, errs: bool, kill_at: int) -> Simulation:
    """A whole rollout; what is written before it begins is not counted."""
    begun = sim.cluster.writes
    if kill_at and kill_at <= begun:
        kill_at = 0
    sim.cluster.kill_at = kill_at
    sim.world.errors["2"] = 0.5 if errs else 0.0
    watch(sim, least)
    sim.create(**SPEC)
    sim.until("RolledBack" if errs else "Promoted", most=300)
    assert sim.kills == bool(kill_at)
    sim.cluster.on_write = lambda: None
    sim.assert_serves_only("1" if errs else "2")
    assert not sim.cluster.having("poddisruptionbudgets")
    assert not sim.cluster.having("deployments", "")[1:], "the candidate's Deployment is gone"
    return sim


@pytest.mark.parametrize("after", range(1, 5))
def test_requests_that_were_lent_are_given_back_by_whichever_operator(after: int) -> None:
    sim = at_gate(replicas=2)
    set_ready(sim, STABLE, False)
    sim.cluster.kill_at = sim.cluster.writes + after
    sim.cluster.check_route = lambda: None  # type: ignore[method-assign]
    for _ in range(3):
        sim.step()
    assert sim.cluster.shares() == {"2": 100} and sim.kills == 1
    set_ready(sim, STABLE, True)
    sim.cluster.kill_at = sim.cluster.writes + after
    for _ in range(3):
        sim.step()
    assert sim.cluster.shares() == {"1": 50, "2": 50} and sim.kills == 2


def test_an_autoscaled_version_gets_its_requests_back_little_by_little() -> None:
    sim = _quiet(simulate("Standard", replicas=2, autoscaler="hpa", demand=12))
    sim.create(**SPEC)
    while sim.state().stage is not PromotionStage.SERVICE:
        sim.step()
    per_pod = []

    def look() -> None:
        weights = dict(sim.cluster._targets())
        stable, candidate = sizes(sim)
        whole = sum(weights.values())
        for name, pods in ((STABLE, stable), (CANDIDATE, candidate)):
            if weights.get(name):
                per_pod.append(12 * weights[name] / whole / pods)

    sim.cluster.on_write = look
    sim.until("Promoted", most=300)
    assert max(per_pod) <= 1.5, "no pod has more than half as many requests again as an autoscaler gives it"
    sim.cluster.on_write = lambda: None
    sim.assert_serves_only("2")
    assert sizes(sim) == (12, 0)
