"""The last ModelRollout of a service that no registry holds is deleted: no candidate keeps a share of its requests."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from rollout import window
from rollout.judge import Judgement, Observation, Verdict
from rollout.kubernetes import operator
from rollout.kubernetes.metrics import OperatorMetrics
from rollout.kubernetes.operator import Operator
from rollout.kubernetes.settings import OperatorSettings
from rollout.kubernetes.splitters.canary import MODEL, leftover_storage
from rollout.sources import Sources
from tests.rollout.fakes import FakeSources, FakeVersions, RolloutWorld, judgement
from tests.rollout.kubernetes.cluster import NAMESPACE, SERVICE
from tests.rollout.kubernetes.simulation import Simulation
from tests.rollout.kubernetes.test_storage_versions import GIVEN, NEW, NEW_URI, OLD, OLD_URI, StorageCluster

CHURN = GIVEN | {"model": "churn"}

namespaces = pytest.mark.parametrize("namespace", [NAMESPACE, "sales"])


@pytest.fixture(autouse=True)
def _passing_judge(monkeypatch: pytest.MonkeyPatch) -> None:
    def judge(observation: Observation, *_: Any, **__: Any) -> Judgement:
        return judgement(Verdict.PASS)

    monkeypatch.setattr(window, "judge", judge)


@dataclass
class AskedCluster(StorageCluster):
    """asked: names of the models that its pods were asked for."""

    asked: set[str] = field(default_factory=set)

    def is_ready(self, url: str, model: str, version: str) -> bool:
        self.asked.add(model)
        return super().is_ready(url, model, version)


def simulate(namespace: str, others: Sequence[str] = (SERVICE,), replicas: int = 1) -> Simulation:
    """A service that the operator does not prepare, in its own namespace or in another."""
    metrics = OperatorMetrics(lambda: True) if namespace != NAMESPACE else None
    given: dict[str, Any] = {"kept": {}, "namespace": namespace, "others": tuple(others), "metrics": metrics}
    return Simulation(AskedCluster(replicas=replicas), RolloutWorld(OLD), versions=(OLD, NEW), **given)


def delete_last(sim: Simulation) -> None:
    sim.cluster.delete("modelrollouts", "try")
    assert sim.cluster.having("modelrollouts") == []
    for _ in range(20):
        sim.step()


@namespaces
@pytest.mark.parametrize("replicas", [1, 3])
def test_the_last_rollout_deleted_at_a_fifth_of_the_requests_leaves_stable_alone(namespace: str, replicas: int) -> None:
    sim = simulate(namespace, replicas=replicas)
    sim.create(**CHURN, promotion="Manual")
    sim.until("Progressing")
    while NEW not in sim.cluster.shares():
        sim.step()
    assert sim.cluster.shares()[NEW] == 20
    delete_last(sim)
    assert sim.cluster.shares().keys() == {OLD}
    assert not sim.cluster.service["spec"].get("canary")
    assert (sim.cluster.pin, sim.cluster.predictor["model"]["storageUri"]) == (OLD, OLD_URI)


@namespaces
def test_a_deletion_at_any_moment_leaves_one_version_and_asks_for_the_model_of_the_rollout(namespace: str) -> None:
    whole, rounds = simulate(namespace), 0
    whole.create(**CHURN)
    while not whole.cluster.having("modelrollouts") or not whole.state().ended:
        whole.step()
        rounds += 1
    served = set()
    for after in range(2, rounds):  # in the first round nothing was written yet
        sim = simulate(namespace)
        sim.create(**CHURN)
        for _ in range(after):
            sim.step()
        delete_last(sim)
        [version] = sim.cluster.shares()
        assert not sim.cluster.service["spec"].get("canary")
        assert sim.cluster.predictor["model"]["storageUri"] == {OLD: OLD_URI, NEW: NEW_URI}[version]
        assert isinstance(sim.cluster, AskedCluster) and sim.cluster.asked <= {"churn"}
        served.add(version)
    assert served == {OLD, NEW}


def test_a_service_that_no_rollout_has_touched_is_left_alone() -> None:
    """Also where a person splits its route, or has changed its storage since a rollout ended."""
    sim = simulate(NAMESPACE)
    rules = [{"backendRefs": [{"name": "blue", "port": 80, "weight": 1}, {"name": "green", "port": 80, "weight": 1}]}]
    sim.cluster.on_write = lambda: pytest.fail("it was written")
    sim.cluster.get("httproutes", f"{SERVICE}-public")["spec"]["rules"] = rules
    for _ in range(3):
        sim.rounds.run_once()
    sim.cluster.get("httproutes", f"{SERVICE}-public")["spec"]["rules"] = []
    sim.cluster.predictor["annotations"] = {"matchday.io/version": OLD}
    sim.cluster.service["spec"]["predictor"]["model"]["storageUri"] = NEW_URI
    for _ in range(3):
        sim.rounds.run_once()


def test_a_service_that_is_not_named_is_not_looked_at() -> None:
    sim = simulate(NAMESPACE, others=())
    sim.rounds._handle_service = lambda *_: pytest.fail("it was")  # type: ignore[method-assign]
    sim.rounds.run_once()


@pytest.mark.parametrize(
    ("uri", "canary", "expected"),
    [
        ("mlflow://total-goals@champion", "", ("", "total-goals")),
        ("mlflow://total-goals@champion", "mlflow://total-goals/3", ("", "total-goals")),
        (OLD_URI, "", (OLD_URI, "")),
        (OLD_URI, NEW_URI, (NEW_URI, "churn")),
        ("", "", ("", "")),
    ],
)
def test_storage_and_model_are_read_from_the_service(uri: str, canary: str, expected: tuple[str, str]) -> None:
    notes = {"matchday.io/version": "x", MODEL: "churn"}
    entries = [{"predictor": {"annotations": notes, "model": {"storageUri": canary}}}] if canary else []
    service = {"metadata": {}, "spec": {"predictor": {"model": {"storageUri": uri}}, "canary": entries}}
    assert leftover_storage(service) == expected


def test_the_operator_gives_each_namespace_the_services_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeSources(world := RolloutWorld())
    monkeypatch.setattr(operator, "KubernetesClient", StorageCluster)
    monkeypatch.setattr(operator, "open_cluster_sources", lambda *_: Sources(fake, fake, fake, FakeVersions(world)))
    monkeypatch.setenv("MATCHDAY_OPERATOR_OTHER_SERVICES", '{"sales": ["churn"], "football": ["adder"]}')
    rounds = Operator(OperatorSettings(namespace="football", namespaces=["sales", "idle"]))._all_rounds
    assert [sorted(each._others) for each in rounds] == [["adder"], ["churn"], []]
