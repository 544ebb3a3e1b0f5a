"""NetworkPolicies: every pod is behind one, and the two ends of a connection agree."""

import json
from collections.abc import Iterator

import pytest

from tests.charts.manifests import Document, everywhere, objects, of_kind, pods, variables
from tests.charts.rendering import documents, kind_and_name, render


def components(rules: list[Document], direction: str) -> Iterator[str]:
    """The parts of the chart that rules name."""
    for rule in rules:
        for peer in rule.get(direction, []):
            for expression in peer.get("podSelector", {}).get("matchExpressions", []):
                if expression["key"] == "app.kubernetes.io/component":
                    yield from expression["values"]


def modes(name: str) -> dict[str, str]:
    """How KServe runs each InferenceService."""
    return {
        each["metadata"]["name"]: each["metadata"]["annotations"]["serving.kserve.io/deploymentMode"]
        for each in of_kind(name, "InferenceService")
    }


@everywhere
def test_every_pod_is_behind_a_policy_and_every_policy_has_a_pod(name: str) -> None:
    policies = [each for each in objects(name) if each["kind"] == "NetworkPolicy"]
    if name == "open":
        assert policies == []
        return
    labels = [pod_labels for _, _, pod_labels in pods(name)]
    labels += [each["spec"]["predictor"]["labels"] for each in objects(name) if each["kind"] == "InferenceService"]
    [default] = [policy for policy in policies if policy["metadata"]["name"].endswith("-default")]
    assert "ingress" not in default["spec"]
    assert [sorted({port["port"] for port in rule["ports"]}) for rule in default["spec"]["egress"]] == [[53]]
    for pod_labels in labels:
        assert default["spec"]["podSelector"]["matchLabels"].items() <= pod_labels.items()
    for policy in policies:
        selected = policy["spec"]["podSelector"]["matchLabels"].items()
        test_is_left_out = name.startswith("overlay-") and policy["metadata"]["name"].endswith("-test")
        assert test_is_left_out or any(selected <= pod_labels.items() for pod_labels in labels), kind_and_name(policy)


@everywhere
def test_whoever_may_go_out_to_a_part_may_come_in_there(name: str) -> None:
    policies = [each for each in objects(name) if each["kind"] == "NetworkPolicy"]
    component = "app.kubernetes.io/component"
    let_in: dict[str, set[str]] = {}
    let_out: set[tuple[str, str]] = set()
    for policy in policies:
        own = policy["spec"]["podSelector"]["matchLabels"].get(component, "")
        let_in.setdefault(own, set()).update(components(policy["spec"].get("ingress", []), "from"))
        let_out |= {(own, other) for other in components(policy["spec"].get("egress", []), "to")}
    for source, target in let_out:
        assert source in let_in[target], f"{source} may go to {target}, which does not let it in"


@everywhere
def test_knative_reaches_the_predictors_that_it_runs_and_no_others(name: str) -> None:
    let_in = {
        policy["spec"]["podSelector"]["matchLabels"]["matchday.io/inference-service"]: [
            peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]
            for rule in policy["spec"]["ingress"]
            for peer in rule["from"]
            if "namespaceSelector" in peer
        ]
        for policy in of_kind(name, "NetworkPolicy")
        if policy["metadata"]["labels"].get("app.kubernetes.io/component") == "predictor"
    }
    assert let_in.keys() == ({} if name == "open" else modes(name)).keys()
    for model, namespaces in let_in.items():
        assert ("knative-serving" in namespaces) == (modes(name)[model] == "Knative")


OTHERS = {
    "redis": {6379, 6380},
    "database": {5433},
    "bucket": {9000},
    "kafka": {9092},
    "kfp": {8888},
    "telemetry": {4318},
    "prometheus": {9090},
    "kubernetesAPI": {8443},
}
"""What the example `ports` says of pods behind Services, all of whose URLs have port 80."""


def opened(name: str, sets: list[str] | None = None) -> dict[str, set[int]]:
    """The ports that each part may call outside the chart, name servers aside."""
    rendered = documents(render(name, sets=sets or []))
    return {
        each["spec"]["podSelector"]["matchLabels"].get("app.kubernetes.io/component", ""): {
            port["port"] for rule in each["spec"].get("egress", []) if "to" not in rule for port in rule["ports"]
        }
        - {53}
        for each in rendered
        if each["kind"] == "NetworkPolicy" and "annotations" not in each["metadata"]
    }


def test_the_ports_of_pods_are_opened_in_place_of_those_of_their_services() -> None:
    found = opened("ports")
    assert 80 not in set().union(*found.values())
    parts = {
        "job": ("redis", "database", "bucket", "kfp", "telemetry"),
        "mlflow": ("database", "bucket", "telemetry"),
        "predictor": ("redis", "kafka", "telemetry"),
        "rollout": ("bucket", "kubernetesAPI", "kafka", "prometheus", "telemetry"),
    }
    for part, names in parts.items():
        assert found[part] == set().union(*(OTHERS[name] for name in names)), part


@pytest.mark.parametrize("name", [name for name in OTHERS if name != "kubernetesAPI"])
def test_without_them_the_port_of_the_url_is_opened(name: str) -> None:
    found = opened("ports", [f"networkPolicy.podPorts.{name}=null"])
    changed = {part for part, ports in opened("ports").items() if OTHERS[name] & ports}
    assert changed
    assert {part for part, ports in found.items() if 80 in ports} == changed


def test_jobs_know_the_ports_that_are_open_to_them_for_what_they_say() -> None:
    for job in of_kind("ports", "Job"):
        told = json.loads(variables(job["spec"]["template"]["spec"]["containers"][0])["MATCHDAY_EGRESS_PORTS"])
        assert told["bucket"] == {"address": "http://minio.stores", "ports": [9000]}
        assert told.keys() == {"redis", "database", "bucket", "kfp"}
    for job in [*of_kind("default", "Job"), *of_kind("open", "Job")]:
        assert "MATCHDAY_EGRESS_PORTS" not in variables(job["spec"]["template"]["spec"]["containers"][0])
