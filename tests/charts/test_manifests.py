"""What holds for every object that the chart or an overlay renders."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import kubernetes_validate
import pytest
from kserve import models
from kubernetes import client
from kubernetes_validate import utils

from pipelines.placement import SETTINGS
from rollout.kubernetes.pods import PIN
from tests.charts.golden import golden
from tests.charts.rendering import OVERLAYS, SWITCHES, documents, kind_and_name, masked, render

VERSIONS = ("1.32", "1.33", "1.34", "1.35", "1.36")
KSERVE = {
    "ClusterServingRuntime": "V1alpha1ClusterServingRuntime",
    "ClusterStorageContainer": "V1alpha1ClusterStorageContainer",
    "InferenceService": "V1beta1InferenceService",
}
"""Kinds that Kubernetes' own schemas do not know, as KServe's client does."""

OTHERS = ("HTTPRoute",)
"""Kinds that neither knows."""

STORES = ("redis", "database", "bucket")
Document = dict[str, Any]


@cache
def objects(name: str) -> list[Document]:
    """Everything that a switch renders, or an overlay."""
    if name.startswith("overlay-"):
        return documents(golden(name).read_text())
    return documents(masked(render(name)))


RENDERINGS = [*SWITCHES, *(f"overlay-{overlay}" for overlay in OVERLAYS)]
everywhere = pytest.mark.parametrize("name", RENDERINGS)


def pods(name: str) -> Iterator[tuple[Document, Document, dict[str, str]]]:
    """Object, pod spec and pod labels of whatever makes pods, KServe's kinds aside."""
    for each in objects(name):
        if each["kind"] == "Pod":
            yield each, each["spec"], each["metadata"]["labels"]
        elif each["kind"] in ("Deployment", "StatefulSet", "Job"):
            yield each, each["spec"]["template"]["spec"], each["spec"]["template"]["metadata"]["labels"]


def containers(name: str) -> Iterator[tuple[str, Document]]:
    """Every container, KServe's included."""
    for each, spec, _ in pods(name):
        yield from ((kind_and_name(each), container) for container in spec["containers"])
    for each in objects(name):
        if each["kind"] == "ClusterServingRuntime":
            yield from ((kind_and_name(each), container) for container in each["spec"]["containers"])
        if each["kind"] == "ClusterStorageContainer":
            yield kind_and_name(each), each["spec"]["container"]


@pytest.fixture(scope="module", autouse=True)
def _schemas_are_read_once() -> Iterator[None]:
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


def unknown_fields(value: Any, kind: str, path: str = "") -> list[str]:
    """Where a document has fields that KServe's client, with Kubernetes' types in it, does not know."""
    if kind.startswith("list[") and isinstance(value, list):
        return [found for item in value for found in unknown_fields(item, kind[5:-1], path)]
    model = getattr(models, kind, None) or getattr(client, kind, None)
    if model is None or not isinstance(value, dict):
        return []
    fields = {json: kind for name, kind in model.openapi_types.items() for json in [model.attribute_map[name]]}
    found = [f"{path}.{key}" for key in value if key not in fields]
    for key in value.keys() & fields.keys():
        found += unknown_fields(value[key], fields[key], f"{path}.{key}")
    return found


@pytest.mark.parametrize(
    ("extra", "found"),
    [({"minReplica": 1}, ".spec.predictor.minReplica"), ({"model": {"imag": "x"}}, ".spec.predictor.model.imag")],
)
def test_an_unknown_field_of_kserve_is_found(extra: Document, found: str) -> None:
    service = {"kind": "InferenceService", "spec": {"predictor": extra}}
    assert unknown_fields(service, "V1beta1InferenceService") == [found]


@everywhere
def test_pods_meet_the_restricted_standard(name: str) -> None:
    for each, spec, _ in pods(name):
        assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys(), kind_and_name(each)
        assert {kind for volume in spec.get("volumes", []) for kind in volume} <= {"name", "emptyDir", "secret"}
        assert spec["securityContext"]["runAsNonRoot"] is True
    for owner, container in containers(name):
        confined = container["securityContext"]
        assert confined["allowPrivilegeEscalation"] is False, owner
        assert confined["capabilities"] == {"drop": ["ALL"]}, owner
        assert confined["seccompProfile"] == {"type": "RuntimeDefault"}, owner
        assert confined["runAsNonRoot"] is True, owner
        assert confined["runAsUser"] == 65532, owner
        assert confined["readOnlyRootFilesystem"] is True, owner
        assert "privileged" not in confined
        assert all("hostPort" not in port for port in container.get("ports", [])), owner


@everywhere
def test_nothing_but_the_operator_may_ask_the_kubernetes_api(name: str) -> None:
    kinds = {each["kind"] for each in objects(name)}
    assert not {"ClusterRole", "ClusterRoleBinding"} & kinds
    assert bool({"Role", "RoleBinding"} & kinds) == name.startswith("rollouts")
    for each, spec, labels in pods(name):
        operator = labels["app.kubernetes.io/component"] == "rollout"
        assert spec["automountServiceAccountToken"] is operator, kind_and_name(each)
        assert spec["enableServiceLinks"] is False, "MATCHDAY_* variables of Services would be taken for settings"
    for each in objects(name):
        if each["kind"] == "ServiceAccount":
            assert each["automountServiceAccountToken"] is False
        if each["kind"] == "InferenceService":
            assert each["spec"]["predictor"]["automountServiceAccountToken"] is False


@everywhere
def test_containers_say_what_they_need_and_when_they_are_well(name: str) -> None:
    for each, spec, _ in pods(name):
        for container in spec["containers"]:
            for asked in ("requests", "limits"):
                assert container["resources"][asked].keys() == {"cpu", "memory"}, kind_and_name(each)
            if each["kind"] in ("Deployment", "StatefulSet"):
                assert {"startupProbe", "readinessProbe", "livenessProbe"} <= container.keys(), kind_and_name(each)
    for each in objects(name):
        if each["kind"] == "InferenceService":
            assert each["spec"]["predictor"]["model"]["resources"].keys() == {"requests", "limits"}
        if each["kind"] == "ClusterServingRuntime":
            [server] = each["spec"]["containers"]
            ready = "/v2/models/match-outcome/ready"
            assert server["startupProbe"]["httpGet"]["path"] == server["readinessProbe"]["httpGet"]["path"] == ready
            assert server["livenessProbe"]["httpGet"]["path"] == "/v2/health/live"


@everywhere
def test_what_is_written_is_a_named_mount(name: str) -> None:
    for each, spec, _ in pods(name):
        mounted = {volume["name"] for volume in spec.get("volumes", [])}
        mounted |= {claim["metadata"]["name"] for claim in each["spec"].get("volumeClaimTemplates", [])}
        for container in spec["containers"]:
            assert {mount["name"] for mount in container["volumeMounts"]} <= mounted, kind_and_name(each)


@everywhere
def test_passwords_are_in_secrets_alone(name: str) -> None:
    for each in objects(name):
        if each["kind"] != "Secret":
            assert "GENERATED" not in str(each), kind_and_name(each)


@everywhere
def test_what_pods_refer_to_is_there_or_is_yours(name: str) -> None:
    there = {(each["kind"], each["metadata"].get("namespace"), each["metadata"]["name"]) for each in objects(name)}
    given = {"matchday-credentials", "matchday-database", "matchday-token"}
    for owner, reference in references(objects(name)):
        kind = "Secret" if reference[0] in ("secretKeyRef", "secretRef") else "ConfigMap"
        made = (kind, "matchday", reference[1]) in there
        assert made or (kind == "Secret" and reference[1] in given), f"{owner} refers to {kind} {reference[1]}"


def references(listed: list[Document]) -> Iterator[tuple[str, tuple[str, str]]]:
    """Every reference to a Secret or ConfigMap by an environment."""

    def walk(value: Any) -> Iterator[tuple[str, str]]:
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            if key in ("secretKeyRef", "configMapKeyRef", "secretRef", "configMapRef"):
                yield str(key), inner["name"]
            elif isinstance(inner, (dict, list)):
                yield from walk(inner)

    for each in listed:
        yield from ((kind_and_name(each), found) for found in walk(each))


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
def test_who_is_let_out_is_let_in(name: str) -> None:
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


def components(rules: list[Document], direction: str) -> Iterator[str]:
    """The parts of the chart that rules name."""
    for rule in rules:
        for peer in rule.get(direction, []):
            for expression in peer.get("podSelector", {}).get("matchExpressions", []):
                if expression["key"] == "app.kubernetes.io/component":
                    yield from expression["values"]


@everywhere
def test_hooks_run_in_order_and_are_deleted_before_they_run_again(name: str) -> None:
    weights = {}
    for each in objects(name):
        if each["kind"] == "Job":
            notes = each["metadata"]["annotations"]
            assert notes["helm.sh/hook-delete-policy"] == "before-hook-creation"
            weights[each["metadata"]["name"].partition("-")[2]] = int(notes["helm.sh/hook-weight"])
    order = ["make-bucket", "migrate-database", "upload-pipelines", "apply-features", "train-champion"]
    assert [weights[each] for each in order if each in weights] == sorted(weights.values())
    assert {"make-bucket", "migrate-database", "apply-features"} <= weights.keys() <= set(order)


@everywhere
def test_what_a_job_says_itself_is_not_tried_again_but_for_a_run(name: str) -> None:
    """The command line ends with 2 for what it names; a step of a run may fail by chance."""
    for each in objects(name):
        if each["kind"] == "Job":
            rules = each["spec"].get("podFailurePolicy", {}).get("rules", [])
            codes = [code for rule in rules if rule["action"] == "FailJob" for code in rule["onExitCodes"]["values"]]
            assert codes == ([] if each["metadata"]["name"].endswith("-train-champion") else [2])
            assert each["spec"]["template"]["spec"]["restartPolicy"] == "Never"


@everywhere
def test_more_than_one_has_a_budget(name: str) -> None:
    budgets = {
        each["spec"]["selector"]["matchLabels"]["app.kubernetes.io/component"]
        for each in objects(name)
        if each["kind"] == "PodDisruptionBudget"
    }
    several = set()
    for each in objects(name):
        if each["kind"] == "Deployment" and each["spec"]["replicas"] > 1:
            several.add(each["metadata"]["labels"]["app.kubernetes.io/component"])
        if each["kind"] == "InferenceService" and each["spec"]["predictor"]["minReplicas"] > 1:
            several.add("predictor")
    assert budgets == several


def test_an_external_store_leaves_nothing_of_it_in_the_chart() -> None:
    for each in objects("external"):
        assert each["metadata"]["labels"].get("app.kubernetes.io/component") not in STORES, kind_and_name(each)
    assert not [each for each in objects("external") if each["kind"] in ("Secret", "StatefulSet")]


def test_runs_in_another_namespace_find_the_same_environment_and_credentials_there() -> None:
    for kind, data in (("ConfigMap", "data"), ("Secret", "stringData")):
        copies = {
            each["metadata"]["namespace"]: each[data]
            for each in objects("kfp")
            if each["kind"] == kind and each["metadata"]["name"] in ("matchday-environment", "matchday-credentials")
        }
        assert copies.keys() == {"matchday", "runs"}
        assert copies["matchday"] == copies["runs"]


@everywhere
def test_runs_find_every_setting_that_they_take_and_who_promotes(name: str) -> None:
    found = [each["data"] for each in objects(name) if each["kind"] == "ConfigMap"]
    rollouts = any(each["kind"] == "Role" for each in objects(name))
    assert found
    for data in found:
        assert set(SETTINGS) <= data.keys()
        assert data["MATCHDAY_PROMOTION"] == ("judge" if rollouts else "run")


def test_deployments_start_anew_with_another_environment() -> None:
    def checksums(*sets: str) -> dict[str, str]:
        made = [each for each in documents(render("rollouts", sets=sets)) if each["kind"] == "Deployment"]
        notes = {each["metadata"]["name"]: each["spec"]["template"]["metadata"]["annotations"] for each in made}
        return {name: found["checksum/environment"] for name, found in notes.items()}

    before, after = checksums(), checksums("telemetry.endpoint=http://collector.observability:4318")
    assert before.keys() == after.keys() == {"matchday-mlflow", "matchday-rollout"}
    assert before == checksums()
    assert not before.items() & after.items()


def test_jobs_submit_runs_to_where_the_release_has_them() -> None:
    for job in ("matchday-upload-pipelines", "matchday-train-champion"):
        [made] = [each for each in objects("kfp") if each["kind"] == "Job" and each["metadata"]["name"] == job]
        [container] = made["spec"]["template"]["spec"]["containers"]
        told = {each["name"]: each.get("value") for each in container["env"]}
        assert told["MATCHDAY_KFP_NAMESPACE"] == "runs"
        assert told["MATCHDAY_KFP_ENVIRONMENT"] == "matchday"


def test_a_password_is_drawn_once_and_written_for_server_and_client() -> None:
    secrets = {each["metadata"]["name"]: each["stringData"] for each in documents(render()) if each["kind"] == "Secret"}
    redis, database = secrets["matchday-redis"], secrets["matchday-database"]
    assert f":{redis['REDIS_PASSWORD']}@" in secrets["matchday-credentials"]["MATCHDAY_ONLINE_STORE"]
    assert f":{database['POSTGRES_PASSWORD']}@" in database["MLFLOW_BACKEND_STORE_URI"]
    drawn = [value for secret in secrets.values() for value in secret.values() if len(value) == 32]
    assert len(set(drawn)) == len(drawn) == 6


def test_the_secret_of_an_overlay_has_every_key_that_the_chart_asks_for() -> None:
    [made] = [each for each in objects("overlay-dev") if each["kind"] == "Secret"]
    asked = {
        found[1]["key"]
        for each in objects("overlay-dev")
        for found in key_references(each)
        if found[0] == "secretKeyRef" and found[1]["name"] == made["metadata"]["name"]
    }
    assert asked == made["data"].keys()


def key_references(value: Any) -> Iterator[tuple[str, dict[str, str]]]:
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        if key in ("secretKeyRef", "configMapKeyRef"):
            yield str(key), inner
        elif isinstance(inner, (dict, list)):
            yield from key_references(inner)


def test_in_knative_mode_there_is_one_port_and_nothing_that_knative_refuses() -> None:
    made = {each["kind"]: each for each in objects("knative")}
    [server] = made["ClusterServingRuntime"]["spec"]["containers"]
    assert [port["name"] for port in server["ports"]] == ["http1"]
    predictor = made["InferenceService"]["spec"]["predictor"]
    refused = {"securityContext", "topologySpreadConstraints", "terminationGracePeriodSeconds", "deploymentStrategy"}
    assert not refused & predictor.keys()
    assert "serving.kserve.io/autoscalerClass" not in made["InferenceService"]["metadata"]["annotations"]


@pytest.mark.parametrize(("name", "replicas"), [("knative", (0, 4)), ("rollouts-knative", (1, 4)), ("default", (1, 1))])
def test_knative_scales_up_to_the_most_pods_alone(name: str, replicas: tuple[int, int]) -> None:
    [service] = [each for each in objects(name) if each["kind"] == "InferenceService"]
    assert (service["spec"]["predictor"]["minReplicas"], service["spec"]["predictor"]["maxReplicas"]) == replicas


@everywhere
def test_knative_itself_reaches_the_predictor_where_it_runs_it(name: str) -> None:
    modes = [
        each["metadata"]["annotations"]["serving.kserve.io/deploymentMode"]
        for each in objects(name)
        if each["kind"] == "InferenceService"
    ]
    let_in = [
        peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]
        for each in objects(name)
        if each["kind"] == "NetworkPolicy" and each["metadata"]["name"].endswith("-predictor")
        for rule in each["spec"]["ingress"]
        for peer in rule["from"]
        if "namespaceSelector" in peer
    ]
    assert ("knative-serving" in let_in) == ("Knative" in modes)


def test_a_rollout_owns_the_rules_of_its_route_and_the_pin_and_the_chart_neither() -> None:
    made = objects("rollouts")
    [route] = [each for each in made if each["kind"] == "HTTPRoute"]
    assert set(route["spec"]) == {"hostnames", "parentRefs"}
    [service] = [each for each in made if each["kind"] == "InferenceService"]
    assert "annotations" not in service["spec"]["predictor"]
    assert "canary" not in service["spec"]
    assert service["spec"]["predictor"]["model"]["storageUri"] == "mlflow://match-outcome@champion"
    [storage] = [each for each in made if each["kind"] == "ClusterStorageContainer"]
    [pin] = [each for each in storage["spec"]["container"]["env"] if each["name"] == "MATCHDAY_STORAGE_PINNED"]
    assert pin["valueFrom"]["fieldRef"]["fieldPath"] == f"metadata.annotations['{PIN}']"
    [definition] = [each for each in made if each["kind"] == "CustomResourceDefinition"]
    assert definition["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}


@pytest.mark.parametrize("name", ["rollouts", "rollouts-knative"])
def test_the_operator_may_do_what_it_does_and_no_more(name: str) -> None:
    [role] = [each for each in objects(name) if each["kind"] == "Role"]
    granted = {
        (group, resource, verb)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    assert not {verb for _, _, verb in granted} & {"*", "delete", "deletecollection", "escalate", "bind"}
    assert not {resource for _, resource, _ in granted} & {"*", "secrets", "configmaps", "deployments"}
    written = {
        (rule["resources"][0], tuple(rule.get("resourceNames", [])))
        for rule in role["rules"]
        if {"patch", "update"} & set(rule["verbs"])
    }
    everything = {
        ("modelrollouts", ()),
        ("modelrollouts/status", ()),
        ("inferenceservices", ("match-outcome",)),
        ("leases", ("matchday-rollout",)),
    }
    assert written == everything | ({("httproutes", ("match-outcome-public",))} if name == "rollouts" else set())


def test_a_pod_gets_the_time_that_its_server_needs_to_stop() -> None:
    [service] = [each for each in objects("default") if each["kind"] == "InferenceService"]
    told = {each["name"]: each.get("value") for each in service["spec"]["predictor"]["model"]["env"]}
    needed = int(told["MATCHDAY_SERVING_DRAIN_SECONDS"]) + int(told["MATCHDAY_SERVING_STOP_SECONDS"])
    assert service["spec"]["predictor"]["terminationGracePeriodSeconds"] > needed
