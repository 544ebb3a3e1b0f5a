"""NetworkPolicies: every pod is behind one, and the two ends of a connection agree."""

from collections.abc import Iterator

from tests.charts.manifests import Document, everywhere, objects, of_kind, pods
from tests.charts.rendering import kind_and_name


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
