"""The entries of `models`: what each model has of its own, what it shares, and what it is called."""

import pytest

from tests.charts.manifests import Document, of_kind, variables
from tests.charts.rendering import documents, render

FIRST, SECOND = "match-outcome", "total-goals"


def service(example: str, model: str) -> Document:
    """The predictor of an InferenceService."""
    [found] = [each for each in of_kind(example, "InferenceService") if each["metadata"]["name"] == model]
    return dict(found["spec"]["predictor"])


def names(example: str, kind: str) -> list[str]:
    """The objects of a kind."""
    return [each["metadata"]["name"] for each in of_kind(example, kind)]


def test_an_entry_goes_before_the_defaults_value_by_value() -> None:
    first, second = service("models", FIRST)["model"], service("models", SECOND)["model"]
    assert service("models", FIRST)["minReplicas"] == 2
    assert service("models", SECOND)["minReplicas"] == 0
    assert first["resources"]["limits"] == {"cpu": "2", "memory": "512Mi"}
    assert second["resources"]["limits"] == {"cpu": "2", "memory": "384Mi"}
    assert second["resources"]["requests"] == first["resources"]["requests"]
    assert variables(first)["OTEL_TRACES_SAMPLER"] == variables(second)["OTEL_TRACES_SAMPLER"] == "always_off"
    assert "MATCHDAY_SERVING_LOG_LEVEL" not in variables(first)
    assert variables(second)["MATCHDAY_SERVING_LOG_LEVEL"] == "info"


def test_a_value_of_one_entry_is_not_a_value_of_another() -> None:
    assert "MATCHDAY_SERVING_PREDICTIONS" in variables(service("models", FIRST)["model"])
    assert "MATCHDAY_SERVING_PREDICTIONS" not in variables(service("models", SECOND)["model"])
    assert "volumes" not in service("models", FIRST)
    assert service("models", SECOND)["volumes"][0]["secret"]["secretName"] == "matchday-token"


def test_a_model_without_a_uri_serves_its_champion() -> None:
    assert service("models", FIRST)["model"]["storageUri"] == "mlflow://match-outcome/12"
    assert service("models", SECOND)["model"]["storageUri"] == "mlflow://total-goals@champion"


def test_the_first_model_keeps_the_names_it_had_alone() -> None:
    """An upgrade from a chart of one model changes objects in place."""
    assert {"matchday-predictor", "matchday-predictor-total-goals"} <= set(names("models", "NetworkPolicy"))
    assert names("models", "PodDisruptionBudget") == ["matchday-predictor"]
    assert names("models", "Pod") == ["matchday-test", "matchday-test-total-goals"]
    champions = [name for name in names("models", "Job") if "champion" in name]
    assert champions == ["matchday-train-champion", "matchday-train-champion-total-goals"]
    assert names("rollouts", "HTTPRoute") == ["match-outcome-public"]


def test_models_share_one_runtime_which_asks_for_no_model_by_name() -> None:
    [runtime] = of_kind("models", "ServingRuntime")
    assert {service("models", model)["model"]["runtime"] for model in (FIRST, SECOND)} == {runtime["metadata"]["name"]}
    assert not [model for model in (FIRST, SECOND) if model in str(runtime["spec"])]


def test_what_selects_the_pods_of_one_model_selects_no_pod_of_another() -> None:
    selectors = [each["spec"]["podSelector"]["matchLabels"] for each in of_kind("models", "NetworkPolicy")]
    [budget] = [each["spec"]["selector"]["matchLabels"] for each in of_kind("models", "PodDisruptionBudget")]
    assert budget == {"app": f"isvc.{FIRST}-predictor"}, "KServe's label of the stable pods of one service"
    spread = service("models", FIRST)["topologySpreadConstraints"]
    selectors += [each["labelSelector"]["matchLabels"] for each in spread]
    of_one = [labels for labels in selectors if labels.get("app.kubernetes.io/component") == "predictor"]
    assert len(of_one) == 4
    for labels in of_one:
        chosen = [model for model in (FIRST, SECOND) if labels.items() <= service("models", model)["labels"].items()]
        assert len(chosen) == 1


def test_each_model_is_tested_and_trained_by_its_own_name() -> None:
    pods = {each["metadata"]["name"]: each["spec"]["containers"][0] for each in of_kind("models", "Pod")}
    assert variables(pods["matchday-test"])["MATCHDAY_MODEL"] == FIRST
    assert variables(pods["matchday-test-total-goals"])["MATCHDAY_HOST"] == "total-goals-predictor.matchday.svc"
    [job] = [each for each in of_kind("models", "Job") if each["metadata"]["name"].endswith("-total-goals")]
    assert job["spec"]["template"]["spec"]["containers"][0]["args"][:3] == ["cluster", "champion", SECOND]


def test_a_model_that_is_not_served_is_trained_all_the_same() -> None:
    made = documents(render(sets=["models.total-goals.enabled=false"]))
    assert [each["metadata"]["name"] for each in made if each["kind"] == "InferenceService"] == [FIRST]
    assert "matchday-train-champion-total-goals" in [each["metadata"]["name"] for each in made if each["kind"] == "Job"]


def test_in_knative_mode_there_is_one_port_and_nothing_that_knative_refuses() -> None:
    [runtime] = of_kind("knative", "ServingRuntime")
    assert [port["name"] for port in runtime["spec"]["containers"][0]["ports"]] == ["http1"]
    predictor = service("knative", FIRST)
    refused = {"securityContext", "topologySpreadConstraints", "terminationGracePeriodSeconds", "deploymentStrategy"}
    assert not refused & predictor.keys()
    assert "ports" not in predictor["model"]
    [whole] = of_kind("knative", "InferenceService")
    assert "serving.kserve.io/autoscalerClass" not in whole["metadata"]["annotations"]


def test_in_standard_mode_there_is_a_port_for_grpc_beside_that_for_http() -> None:
    model = service("default", FIRST)["model"]
    assert [(port["name"], port["containerPort"]) for port in model["ports"]] == [("http1", 8080), ("h2c", 8081)]
    assert variables(model)["MATCHDAY_SERVING_GRPC_PORT"] == "8081"


@pytest.mark.parametrize(("name", "replicas"), [("knative", (0, 4)), ("rollouts-knative", (1, 4)), ("default", (1, 1))])
def test_only_knative_scales_without_an_autoscaler(name: str, replicas: tuple[int, int]) -> None:
    predictor = service(name, FIRST)
    assert (predictor["minReplicas"], predictor["maxReplicas"]) == replicas
