"""Services that a rollout refuses, and canaries that it leaves alone."""

from typing import Any

from tests.rollout.kubernetes.cluster import SERVICE
from tests.rollout.kubernetes.simulation import Simulation, both_modes, simulate


@both_modes
def test_a_moved_alias_changes_no_pod(mode: str) -> None:
    sim = simulate(mode)
    sim.step()
    sim.world.champion = "3"
    for _ in range(5):
        sim.step()
    assert sim.cluster.pin == "1"
    assert sim.cluster.shares() == {"1": 100}
    assert "serves version 1, which a rollout let in, and the alias champion means 3" in refused(sim)


def refused(sim: Simulation, **changes: Any) -> str:
    sim.create(**changes)
    return sim.until("Refused").reason


@both_modes
def test_a_service_that_cannot_be_split_is_refused_with_a_reason(mode: str) -> None:
    other = "Knative" if mode == "Standard" else "Standard"
    with_transformer = simulate(mode)
    with_transformer.cluster.service["spec"]["transformer"] = {"containers": []}
    assert "has a separate transformer" in refused(with_transformer)
    moved = simulate(mode)
    moved.cluster.service["status"] = {"deploymentMode": other}
    assert f"is annotated as {mode} and runs as {other}" in refused(moved)
    pinned = simulate(mode)
    pinned.cluster.predictor["model"]["storageUri"] = "mlflow://match-outcome/1"
    assert "a rollout promotes what serves mlflow://match-outcome@champion" in refused(pinned)
    assert "no version 9" in refused(simulate(mode), candidate="9")
    assert "is the champion already" in refused(simulate(mode), candidate="1")


def test_a_missing_service_is_refused() -> None:
    sim = simulate("Standard")
    del sim.cluster.objects["inferenceservices", SERVICE]
    sim.create()
    sim.rounds.run_once()
    assert "no InferenceService match-outcome in football" in sim.state().reason


def test_a_canary_of_somebody_else_is_left_alone() -> None:
    sim = simulate("Standard")
    canary = {"trafficPercent": 0, "predictor": {"name": "mine", "minReplicas": 1, "model": {"storageUri": "s3://x/1"}}}
    sim.cluster.service["spec"]["canary"] = [canary]
    sim.rounds.run_once()
    assert sim.cluster.pin == "1"
    assert "canary" not in sim.cluster.applied["inferenceservices", SERVICE]["spec"]
    sim.cluster.service["spec"]["canary"] = [canary]
    sim.create()
    sim.rounds.run_once()
    assert "has a canary already that no rollout made" in sim.state().reason
    assert sim.cluster.service["spec"]["canary"] == [canary]


def test_a_service_without_its_route_is_refused() -> None:
    sim = simulate("Standard")
    del sim.cluster.objects["httproutes", f"{SERVICE}-public"]
    sim.create()
    sim.rounds.run_once()
    assert "install the chart with rollouts.enabled" in sim.state().reason
