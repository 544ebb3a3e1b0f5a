"""What the chart renders for rollouts: the operator's rights, the public routes, and what both leave alone."""

import json

import pytest

from rollout.kubernetes.pods import PIN
from tests.charts.manifests import Document, of_kind, variables

OWN = {("modelrollouts", ()), ("modelrollouts/status", ()), ("leases", ("matchday-rollout",))}
"""What the operator writes whatever models there are."""

ONE = {("inferenceservices", ("match-outcome",)), ("configmaps", ("match-outcome-rollout-evidence",))}
SIZES = {("deployments/scale", ()), ("poddisruptionbudgets", ())}
"""What it writes in Standard mode: objects that bear a candidate's name."""

MODELS = {
    "rollouts": {*ONE, ("httproutes", ("match-outcome-public",)), *SIZES},
    "rollouts-knative": ONE,
    "rollouts-models": {
        ("inferenceservices", ("match-outcome", "total-goals")),
        ("configmaps", ("match-outcome-rollout-evidence", "total-goals-rollout-evidence")),
        ("httproutes", ("match-outcome-public",)),
        *SIZES,
    },
}
"""What it writes of the models in each example."""


def test_the_chart_gives_neither_the_rules_of_a_public_route_nor_a_pin() -> None:
    [route] = of_kind("rollouts", "HTTPRoute")
    assert set(route["spec"]) == {"hostnames", "parentRefs"}
    [service] = of_kind("rollouts", "InferenceService")
    assert "annotations" not in service["spec"]["predictor"]
    assert "canary" not in service["spec"]
    assert service["spec"]["predictor"]["model"]["storageUri"] == "mlflow://match-outcome@champion"


def test_the_storage_container_reads_the_pin_of_its_pod() -> None:
    [storage] = of_kind("rollouts", "ClusterStorageContainer")
    [pin] = [each for each in storage["spec"]["container"]["env"] if each["name"] == "MATCHDAY_STORAGE_PINNED"]
    assert pin["valueFrom"]["fieldRef"]["fieldPath"] == f"metadata.annotations['{PIN}']"


def test_the_definition_of_rollouts_outlives_the_release() -> None:
    [definition] = of_kind("rollouts", "CustomResourceDefinition")
    assert definition["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}


@pytest.mark.parametrize("name", MODELS)
def test_the_operator_may_write_what_it_owns_and_no_more(name: str) -> None:
    [role] = of_kind(name, "Role")
    granted = {
        (group, resource, verb)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    assert not {verb for _, _, verb in granted} & {"*", "deletecollection", "escalate", "bind"}
    deletable = {resource for _, resource, verb in granted if verb == "delete"}
    assert deletable <= {"poddisruptionbudgets"}, "of which a candidate's bears the candidate's name"
    assert not {resource for _, resource, _ in granted} & {"*", "secrets", "deployments"}
    assert {verb for _, resource, verb in granted if resource == "configmaps"} == {"create", "get", "update"}
    assert not [
        rule
        for rule in role["rules"]
        if "configmaps" in rule["resources"] and set(rule["verbs"]) != {"create"} and not rule.get("resourceNames")
    ]
    written = {
        (rule["resources"][0], tuple(rule.get("resourceNames", [])))
        for rule in role["rules"]
        if {"patch", "update"} & set(rule["verbs"])
    }
    assert written == OWN | MODELS[name]


@pytest.mark.parametrize("name", MODELS)
def test_the_operator_is_given_every_model(name: str) -> None:
    served = [each["metadata"]["name"] for each in of_kind(name, "InferenceService")]
    assert variables(operator(name))["MATCHDAY_OPERATOR_SERVICES"] == str(served).replace("'", '"').replace(" ", "")


def test_the_operator_shows_the_token_that_the_servers_ask_for() -> None:
    assert variables(operator("rollouts"))["MATCHDAY_SERVING_TOKEN_FILE"] == "/etc/matchday/token"
    assert "MATCHDAY_SERVING_TOKEN_FILE" not in variables(operator("rollouts-models"))


def operator(name: str) -> Document:
    """The operator's container."""
    [found] = [each for each in of_kind(name, "Deployment") if each["metadata"]["name"].endswith("-rollout")]
    [container] = found["spec"]["template"]["spec"]["containers"]
    return dict(container)


def test_other_services_get_a_role_in_each_namespace_and_nothing_of_the_whole_cluster() -> None:
    name = "rollouts-services"
    roles = {each["metadata"].get("namespace", ""): each for each in of_kind(name, "Role")}
    bindings = {each["metadata"].get("namespace", ""): each for each in of_kind(name, "RoleBinding")}
    assert not of_kind(name, "ClusterRole") and not of_kind(name, "ClusterRoleBinding")
    assert set(roles) == set(bindings) == {roles_of_release(roles), "sales"}
    assert patched(roles["sales"]) == {"basket", "churn"}
    assert patched(roles[roles_of_release(roles)]) == {"adder", "match-outcome"}
    assert not [rule for rule in roles["sales"]["rules"] if "leases" in rule["resources"]]
    [subject] = bindings["sales"]["subjects"]
    assert subject == bindings[roles_of_release(roles)]["subjects"][0]
    assert variables(operator(name))["MATCHDAY_OPERATOR_NAMESPACES"] == '["sales"]'
    others = json.loads(variables(operator(name))["MATCHDAY_OPERATOR_OTHER_SERVICES"])
    assert others == {roles_of_release(roles): ["adder"], "sales": ["basket", "churn"]}
    absent = {"MATCHDAY_OPERATOR_NAMESPACES", "MATCHDAY_OPERATOR_OTHER_SERVICES"}
    assert not absent & {*variables(operator("rollouts"))}


def roles_of_release(roles: dict[str, Document]) -> str:
    """The release's own namespace, as its Role names it."""
    [own] = [namespace for namespace in roles if namespace != "sales"]
    return own


def patched(role: Document) -> set[str]:
    """InferenceServices that a Role lets the operator change."""
    return {
        name
        for rule in role["rules"]
        if "inferenceservices" in rule["resources"] and "patch" in rule["verbs"]
        for name in rule["resourceNames"]
    }


def test_the_operator_reaches_other_servers_by_the_label_that_kserve_gives_them() -> None:
    [policy] = [
        each for each in of_kind("rollouts-services", "NetworkPolicy") if each["metadata"]["name"].endswith("-rollout")
    ]
    [peer] = [
        peer
        for rule in policy["spec"]["egress"]
        for peer in rule.get("to", [])
        if "namespaceSelector" in peer and "matchExpressions" in peer["namespaceSelector"]
    ]
    [namespaces], [services] = (peer[each]["matchExpressions"] for each in ("namespaceSelector", "podSelector"))
    assert "sales" in namespaces["values"] and services["values"] == ["adder", "basket", "churn"]
