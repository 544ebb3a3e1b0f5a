"""Rollouts of a service that no registry and no server of Matchday's knows: the candidate is a storageUri."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from rollout import window
from rollout.judge import Judgement, Observation, Verdict
from rollout.kubernetes.splitters.inference_service import FORMER, version_of_uri
from rollout.kubernetes.storage_versions import StorageVersions
from rollout.spec import Spec
from rollout.state import PromotionStage
from tests.rollout.fakes import RolloutWorld, judgement
from tests.rollout.kubernetes.cluster import PIN, SERVICE, Cluster
from tests.rollout.kubernetes.simulation import ROUND_SECONDS, Simulation

OLD_URI, NEW_URI = "s3://models/churn/v7", "s3://models/churn/v8"
OLD, NEW = version_of_uri(OLD_URI), version_of_uri(NEW_URI)
PANEL: dict[str, Any] = {
    "inputs": [{"name": "x", "datatype": "FP32", "shape": [500, 1], "data": [float(x) for x in range(500)]}]
}
GIVEN: dict[str, Any] = {"storageUri": NEW_URI, "candidate": "challenger", "shadow": {"rows": 380}}


@pytest.fixture(autouse=True)
def asked(_quick_judge: None, monkeypatch: pytest.MonkeyPatch) -> list[Sequence[str]]:
    """Checks that the judge was asked for. It counts errors, and asks for no pairs."""
    checks: list[Sequence[str]] = []

    def judge(observation: Observation, *_: Any, **more: Any) -> Judgement:
        checks.append(more["checks"])
        assert observation.pairs is None and observation.history is None and observation.skill is None
        return judgement(Verdict.FAIL if observation.canary.failed else Verdict.PASS)

    monkeypatch.setattr(window, "judge", judge)
    return checks


@dataclass
class StorageCluster(Cluster):
    """Pods serve what their storageUri says; the storage is that of the version to which they are pinned."""

    def __post_init__(self) -> None:
        self.champion = OLD
        super().__post_init__()
        self.service["spec"]["predictor"]["model"]["storageUri"] = OLD_URI

    def _deployment(self, name: str, pin: str, version: str) -> None:
        stable = name == f"{SERVICE}-predictor"
        served = self.predictor if stable else self.service["spec"]["canary"][0]["predictor"]
        uri = served["model"]["storageUri"]
        if pin:
            assert version_of_uri(uri) == pin
        super()._deployment(name, pin, pin or self.champion)

    @property
    def uri(self) -> str:
        return str(self.predictor["model"]["storageUri"])


def simulate(**given: Any) -> Simulation:
    return Simulation(StorageCluster(**given), RolloutWorld(OLD), versions=(OLD, NEW), kept={})


def assert_serves_only(sim: Simulation, version: str, uri: str) -> None:
    for _ in range(8):
        sim.step()
    assert isinstance(sim.cluster, StorageCluster)
    assert sim.cluster.shares().keys() == {version}
    assert (sim.cluster.pin, sim.cluster.uri) == (version, uri)
    assert not sim.cluster.service["spec"].get("canary")


@pytest.mark.parametrize("replicas", [1, 3])
def test_a_good_candidate_becomes_the_storage_of_the_service(replicas: int) -> None:
    sim = simulate(replicas=replicas)
    sim.create(**GIVEN)
    state = sim.until("Promoted", most=200)
    assert (state.stable_version, state.candidate_version) == (OLD, NEW)
    assert [each for each in sim.phases if each[0] in ("Shadow", "Progressing")] == [
        ("Progressing", 20),
        ("Progressing", 50),
    ]
    assert_serves_only(sim, NEW, NEW_URI)
    assert sim.cluster.predictor["annotations"][FORMER] == OLD_URI


def test_only_what_any_server_counts_is_judged(asked: list[Sequence[str]]) -> None:
    sim = simulate()
    sim.create(**GIVEN, promotion="Manual")
    sim.until_gate()
    assert {*asked[0]} == {"errors", "latency", "restarts"}
    assert sim.world.replays == []


@pytest.mark.parametrize("verdict", [Verdict.PASS, Verdict.FAIL])
def test_a_panel_is_asked_before_any_traffic(monkeypatch: pytest.MonkeyPatch, verdict: Verdict) -> None:
    checks, rows = [], []

    def judge(observation: Observation, *_: Any, **more: Any) -> Judgement:
        checks.append({*more["checks"]})
        rows.append(0 if observation.pairs is None else len(observation.pairs.stable))
        return judgement(verdict)

    monkeypatch.setattr(window, "judge", judge)
    sim = simulate(replicas=2)
    sim.create(**GIVEN, panel=[PANEL])
    sim.until("Promoted" if verdict is Verdict.PASS else "RolledBack", most=200)
    assert next(phase for phase, _ in sim.phases if phase in ("Shadow", "Progressing")) == "Shadow"
    assert "predictions" in checks[0] and rows[0] == 500 and sim.world.panels == [(PANEL,)]
    if verdict is Verdict.PASS:
        assert checks[-1] == {"errors", "latency", "restarts"}
        assert_serves_only(sim, NEW, NEW_URI)
    else:
        assert not sim.cluster.shares().get(NEW) and ("Progressing", 20) not in sim.phases


def test_traffic_begins_a_hold_after_the_panel(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a Prometheus that scrapes within it has the panel's requests before the window opens.

    The hold begins with the step, and the panel is asked a round later.
    """
    monkeypatch.setattr(window, "judge", lambda *_, **__: judgement(Verdict.PASS))
    sim = simulate()
    sim.create(**GIVEN | {"shadow": {"rows": 380, "holdSeconds": 60}}, panel=[PANEL])
    while not sim.world.panels:
        sim.step()
    asked = sim.cluster.clock
    sim.until("Progressing")
    assert sim.cluster.clock - asked >= 60 - ROUND_SECONDS
    assert len(sim.world.panels) == 1


def test_a_panel_that_is_too_small_is_told_at_the_start() -> None:
    sim = simulate()
    sim.create(**GIVEN, panel=[PANEL | {"inputs": [PANEL["inputs"][0] | {"shape": [20, 1]}]}])
    assert "the panel has 20" in sim.until("Refused").reason


def test_a_candidate_that_errs_is_rolled_back_and_not_tried_again() -> None:
    sim = simulate(replicas=2)
    sim.world.errors[NEW] = 0.5
    sim.create(**GIVEN)
    assert sim.until("RolledBack").reason == "it is a fail"
    assert_serves_only(sim, OLD, OLD_URI)
    assert str(sim.state().phase) == "RolledBack" and sim.state().attempt == 1


def test_a_promotion_that_is_aborted_on_its_way_gives_the_former_storage_back() -> None:
    sim = simulate(replicas=2)
    sim.create(**GIVEN)
    sim.until("Promoting")
    for _ in range(20):
        if sim.cluster.pin != NEW:
            sim.step()
    assert sim.state().stage is PromotionStage.SERVICE and sim.cluster.pin == NEW
    sim.annotate("aborted", "true")
    sim.until("RolledBack")
    assert_serves_only(sim, OLD, OLD_URI)


def test_a_promotion_is_undone_by_a_person() -> None:
    sim = simulate()
    sim.create(**GIVEN)
    sim.until("Promoted", most=200)
    sim.annotate("undo", "1")
    sim.until("RolledBack", most=200)
    assert_serves_only(sim, OLD, OLD_URI)


def test_another_storage_in_the_specification_is_another_candidate() -> None:
    sim = simulate()
    sim.create(**GIVEN)
    sim.until("Promoted", most=200)
    third = "s3://models/churn/v9"
    sim.versions = (NEW, version_of_uri(third))
    sim.cluster.get("modelrollouts", "try")["spec"]["storageUri"] = third
    state = sim.until("Progressing")
    assert (state.attempt, state.stable_version, state.candidate_version) == (2, NEW, version_of_uri(third))


def test_a_deleted_rollout_leaves_no_candidate() -> None:
    sim = simulate()
    sim.create(**GIVEN, promotion="Manual")
    sim.until("Progressing")
    for _ in range(3):
        sim.step()
    assert sim.cluster.service["spec"]["canary"]
    sim.create("another", **GIVEN | {"inferenceService": SERVICE})
    sim.annotate("paused", "true", "another")
    del sim.cluster.objects["modelrollouts", "try"]
    assert_serves_only(sim, OLD, OLD_URI)


def test_the_pods_of_a_candidate_do_not_change_while_it_is_promoted() -> None:
    sim = simulate()
    sim.create(**GIVEN)
    sim.until("Progressing")
    notes = dict(sim.cluster.service["spec"]["canary"][0]["predictor"]["annotations"])
    assert (notes[FORMER], notes[PIN]) == (OLD_URI, NEW)
    sim.until("Promoting")
    for _ in range(20):
        if sim.cluster.pin != NEW:
            sim.step()
    assert sim.cluster.pin == NEW
    merged = {
        **sim.cluster.predictor["annotations"],
        **sim.cluster.service["spec"]["canary"][0]["predictor"]["annotations"],
    }
    assert merged == notes


def test_a_storage_that_a_person_changes_meanwhile_ends_the_rollout_and_is_put_back() -> None:
    sim = simulate()
    sim.create(**GIVEN, promotion="Manual")
    sim.until("Progressing")
    sim.step()
    sim.cluster.service["spec"]["predictor"]["model"]["storageUri"] = "s3://models/churn/v99"
    sim.cluster.service["spec"]["predictor"]["annotations"][PIN] = version_of_uri("s3://models/churn/v99")
    state = sim.until("RolledBack")
    assert "the champion became version v99-" in state.reason
    assert_serves_only(sim, OLD, OLD_URI)


def test_a_service_that_the_registry_resolves_is_refused() -> None:
    sim = Simulation(kept={})
    sim.create(**GIVEN)
    assert "spec.storageUri is for models that no registry holds" in sim.until("Refused").reason


def test_without_a_registry_there_is_no_shadow_and_nothing_is_required_of_it() -> None:
    spec = Spec.parse({"inferenceService": "x", "storageUri": NEW_URI, "shadow": {"rows": 380}})
    assert spec.shadow is None and spec.limits.required == ("errors", "latency")
    asked = {"required": ["errors", "predictions"]}
    assert Spec.parse({"inferenceService": "x", "limits": asked, "storageUri": NEW_URI}).limits.required == (
        "errors",
        "predictions",
    )


def test_a_check_that_needs_a_registry_is_refused_at_the_start() -> None:
    sim = simulate()
    sim.create(**GIVEN, limits={"required": ["errors", "predictions"]})
    assert "predictions, which needs a panel, or a model registry" in sim.until("Refused").reason


def test_versions_are_short_names_that_differ_as_their_storage_does() -> None:
    names = [version_of_uri(uri) for uri in (OLD_URI, NEW_URI, "s3://other/v8", "pvc://x/A_very_Long-Name!/", "s3://")]
    assert len(set(names)) == len(names)
    assert all(name == name.lower() and len(name) <= 21 and name.replace("-", "").isalnum() for name in names)


def test_versions_have_no_aliases_and_no_marks() -> None:
    versions = StorageVersions(None, NEW_URI)  # type: ignore[arg-type]
    assert versions.resolve("any", "challenger") == NEW
    assert versions.rolled_back_at("any", NEW) is None
