"""Fields that rollouts apply: KServe's own client library knows each of them."""

from typing import Any

from rollout.kubernetes.api import Api
from rollout.kubernetes.client import ApiResponse
from tests.kserve_fields import unknown_fields
from tests.rollout.kubernetes.cluster import NAMESPACE, Cluster, is_ready
from tests.rollout.kubernetes.simulation import both_modes, simulate


class Recorder:
    """Every object that is applied to an InferenceService."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.applied: list[dict[str, Any]] = []

    def ask(self, method: str, path: str, query: Any, content: str, body: Any) -> ApiResponse:
        if "apply" in content and "inferenceservices" in path:
            self.applied.append(body)
        return self.cluster.ask(method, path, query, content, body)


@both_modes
def test_kserve_knows_every_field_that_is_applied(mode: str) -> None:
    sim = simulate(mode)
    recorder = Recorder(sim.cluster)
    sim.rounds._api = Api(NAMESPACE, recorder)
    sim.create()
    sim.until("Promoted")
    assert len(recorder.applied) > 3
    for body in recorder.applied:
        assert unknown_fields(body, "V1beta1InferenceService") == []
        owned = set(body["spec"]["predictor"])
        assert owned <= {"annotations", "canaryTrafficPercent"}
        for canary in body["spec"].get("canary", []):
            assert not {"maxReplicas", "scaleTarget", "scaleMetric", "autoScaling"} & set(canary["predictor"])
    assert all(is_ready(pod) for pod in sim.cluster.having("pods"))
