"""Kubernetes and KServe know every field that the chart or an overlay renders."""

from collections.abc import Iterator
from functools import cache

import kubernetes_validate
import pytest
from kubernetes_validate import utils

from tests.charts.manifests import RENDERINGS, Document, everywhere, objects
from tests.charts.rendering import kind_and_name
from tests.kserve_fields import unknown_fields

VERSIONS = ("1.32", "1.33", "1.34", "1.35", "1.36")
KSERVE = {
    "ServingRuntime": "V1alpha1ServingRuntime",
    "ClusterStorageContainer": "V1alpha1ClusterStorageContainer",
    "InferenceService": "V1beta1InferenceService",
}
"""Kinds that Kubernetes' own schemas do not know, as KServe's client does."""

OTHERS = ("HTTPRoute", "PodMonitor", "PrometheusRule", "ScaledObject", "TriggerAuthentication")
"""Kinds that neither knows."""


@pytest.fixture(scope="module", autouse=True)
def _read_schemas_once() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(utils, "schema_contents", cache(utils.schema_contents))
        yield


@pytest.mark.parametrize("version", VERSIONS)
def test_kubernetes_knows_every_field(version: str) -> None:
    seen: list[Document] = []
    for name in RENDERINGS:
        for each in objects(name):
            if each["kind"] in (*KSERVE, *OTHERS) or each in seen:
                continue
            seen.append(each)
            assert kubernetes_validate.validate(each, version, strict=True) == version
    assert len(seen) > 100


def test_a_field_that_kubernetes_does_not_know_is_found() -> None:
    [service, *_] = [each for each in objects("default") if each["kind"] == "Service"]
    wrong = {**service, "spec": {**service["spec"], "port": 80}}
    with pytest.raises(kubernetes_validate.ValidationError, match="'port' was unexpected"):
        kubernetes_validate.validate(wrong, VERSIONS[0], strict=True)


@everywhere
def test_kserve_knows_every_field(name: str) -> None:
    for each in objects(name):
        if each["kind"] in KSERVE:
            assert unknown_fields(each, KSERVE[each["kind"]]) == [], kind_and_name(each)


@pytest.mark.parametrize(
    ("extra", "found"),
    [({"minReplica": 1}, ".spec.predictor.minReplica"), ({"model": {"imag": "x"}}, ".spec.predictor.model.imag")],
)
def test_an_unknown_field_of_kserve_is_found(extra: Document, found: str) -> None:
    service = {"kind": "InferenceService", "spec": {"predictor": extra}}
    assert unknown_fields(service, "V1beta1InferenceService") == [found]
