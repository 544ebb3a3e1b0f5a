"""Kafka's clients in the chart: whatever logs or reads predictions has the same address, login and certificates."""

from typing import Any

import pytest

from matchday.events.settings import PREFIX, KafkaSettings
from tests.charts.manifests import Document, of_kind, variables
from tests.charts.rendering import documents, render


def clients(name: str) -> list[tuple[Document, Document]]:
    """Pod and container of the predictor and of the operator."""
    [service] = of_kind(name, "InferenceService")
    [operator] = [each for each in of_kind(name, "Deployment") if each["metadata"]["name"].endswith("-rollout")]
    pod = operator["spec"]["template"]["spec"]
    return [(service["spec"]["predictor"], service["spec"]["predictor"]["model"]), (pod, pod["containers"][0])]


def kafka_variables(container: Document) -> dict[str, Any]:
    """The container's variables about Kafka, with the references in full."""
    return {each["name"]: each for each in container["env"] if "KAFKA" in each["name"] or "PREDICTIONS" in each["name"]}


def test_predictor_and_operator_connect_alike() -> None:
    (_, server), (_, operator) = clients("kafka-tls")
    assert kafka_variables(server) == kafka_variables(operator)


def test_a_login_is_a_reference_and_every_file_is_mounted() -> None:
    for pod, container in clients("kafka-tls"):
        given = variables(container)
        assert given["MATCHDAY_KAFKA_SASL_USERNAME"] is given["MATCHDAY_KAFKA_SASL_PASSWORD"] is None
        [volume] = [each for each in pod["volumes"] if each["name"] == "kafka"]
        [mount] = [each for each in container["volumeMounts"] if each["name"] == "kafka"]
        paths = {item["path"] for source in volume["projected"]["sources"] for item in source["secret"]["items"]}
        files = {value for name, value in given.items() if name.startswith(f"{PREFIX}SSL_") and name.endswith("_FILE")}
        assert files == {f"{mount['mountPath']}/{path}" for path in paths}


def test_the_settings_are_ones_that_a_client_can_connect_with(monkeypatch: pytest.MonkeyPatch) -> None:
    _, server = clients("kafka-tls")[0]
    for name, value in variables(server).items():
        if name.startswith(PREFIX):
            monkeypatch.setenv(name, value or "from the Secret")
    cluster = KafkaSettings().cluster(["kafka-0.kafka:9093"])
    assert cluster.tls is not None
    assert cluster.login is not None
    assert cluster.login.mechanism == "SCRAM-SHA-512"


def test_without_security_there_is_nothing_but_the_address() -> None:
    [service] = of_kind("kafka", "InferenceService")
    assert set(kafka_variables(service["spec"]["predictor"]["model"])) == {"MATCHDAY_SERVING_PREDICTIONS"}
    assert "volumes" not in service["spec"]["predictor"]


def test_a_model_that_logs_nothing_has_no_certificates() -> None:
    made = documents(render("kafka-tls", sets=["models.match-outcome.predictions=false"]))
    [service] = [each for each in made if each["kind"] == "InferenceService"]
    assert kafka_variables(service["spec"]["predictor"]["model"]) == {}
    assert "kafka" not in [each["name"] for each in service["spec"]["predictor"].get("volumes", [])]
