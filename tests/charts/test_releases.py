"""Two releases in one cluster: what is not in a release's own namespace has a name of its own."""

import pytest

from tests.charts.manifests import Document
from tests.charts.rendering import Refused, documents, render

SHARED = "kubeflow"
VALUES = [
    "pipelines.kfp.endpoint=http://kfp",
    f"pipelines.namespace={SHARED}",
    "pipelines.recurring.enabled=true",
    "rollouts.enabled=true",
    "sources.names={football_data_org}",
    "sources.token=abc",
]
KEPT = {("CustomResourceDefinition", "", "modelrollouts.matchday.io")}
"""What the documentation says that one release of all has: rollouts.definition."""


def rendered(namespace: str, release: str = "matchday", *sets: str) -> list[Document]:
    return documents(render(sets=[*VALUES, *sets], release=release, namespace=namespace))


def identities(things: list[Document]) -> set[tuple[str, str, str]]:
    return {(each["kind"], each["metadata"].get("namespace", ""), each["metadata"]["name"]) for each in things}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("blue", "matchday"), ("green", "matchday")),
        (("a", "b-matchday"), ("a-b", "matchday")),
        (("a-b", "matchday"), ("a", "b.matchday")),
    ],
)
def test_releases_in_two_namespaces_share_no_object(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert identities(rendered(*one)) & identities(rendered(*other)) == KEPT


def test_what_is_outside_the_release_s_namespace_bears_its_name() -> None:
    outside = [each for each in identities(rendered("blue")) if each[1] != "blue"]
    assert sorted(set(outside) - KEPT) == [
        ("ClusterStorageContainer", "", "blue.matchday-mlflow"),
        ("ConfigMap", SHARED, "blue.matchday-environment"),
        ("Secret", SHARED, "blue.matchday-credentials"),
        ("Secret", SHARED, "blue.matchday-sources"),
    ]


def test_predictors_ask_for_the_runtime_and_the_container_of_their_release() -> None:
    made = rendered("blue")
    [service] = [each for each in made if each["kind"] == "InferenceService"]
    predictor = service["spec"]["predictor"]
    assert ("ServingRuntime", "blue", predictor["model"]["runtime"]) in identities(made)
    assert ("ClusterStorageContainer", "", predictor["storageContainerName"]) in identities(made)


def test_a_storage_container_that_is_there_is_named_and_not_made() -> None:
    made = rendered("blue", "matchday", "storage.containerName=given")
    [service] = [each for each in made if each["kind"] == "InferenceService"]
    assert service["spec"]["predictor"]["storageContainerName"] == "given"
    assert [each for each in made if each["kind"].startswith("Cluster")] == []


@pytest.mark.parametrize("major", [3, 4], ids="helm{}".format)
@pytest.mark.parametrize("value", ["true", "false"])
def test_the_value_of_a_chart_whose_releases_shared_objects_is_refused(value: str, major: int) -> None:
    with pytest.raises(Refused, match=r"clusterObjects is of an older chart.*storage\.containerName names one"):
        render(major=major, sets=[f"clusterObjects.create={value}"])
    assert render(major=major, sets=["clusterObjects=null"])
