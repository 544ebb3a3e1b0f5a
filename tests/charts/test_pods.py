"""Every pod of the chart is confined, says what it needs, and writes to named mounts alone."""

from tests.charts.manifests import Document, containers, everywhere, objects, of_kind, pods, variables
from tests.charts.rendering import documents, kind_and_name, render


@everywhere
def test_pods_meet_the_restricted_standard(name: str) -> None:
    for each, spec, _ in pods(name):
        assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys(), kind_and_name(each)
        assert {kind for volume in spec.get("volumes", []) for kind in volume} <= {
            "name",
            "emptyDir",
            "projected",
            "secret",
        }
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
    operators = [labels for _, _, labels in pods(name) if labels["app.kubernetes.io/component"] == "rollout"]
    assert {"Role", "RoleBinding"} & kinds == ({"Role", "RoleBinding"} if operators else set())
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
def test_containers_have_resources_and_probes(name: str) -> None:
    for each, spec, _ in pods(name):
        for container in [*spec.get("initContainers", []), *spec["containers"]]:
            for asked in ("requests", "limits"):
                assert container["resources"][asked].keys() == {"cpu", "memory"}, kind_and_name(each)
        for container in spec["containers"]:
            if each["kind"] in ("Deployment", "StatefulSet"):
                assert {"startupProbe", "readinessProbe", "livenessProbe"} <= container.keys(), kind_and_name(each)
    for each in objects(name):
        if each["kind"] == "InferenceService":
            assert each["spec"]["predictor"]["model"]["resources"].keys() == {"requests", "limits"}
        if each["kind"] == "ServingRuntime":
            [server] = each["spec"]["containers"]
            ready = "/v2/health/ready"
            assert server["startupProbe"]["httpGet"]["path"] == server["readinessProbe"]["httpGet"]["path"] == ready
            assert server["livenessProbe"]["httpGet"]["path"] == "/v2/health/live"


@everywhere
def test_every_mount_has_its_volume(name: str) -> None:
    for each, spec, _ in pods(name):
        mounted = {volume["name"] for volume in spec.get("volumes", [])}
        mounted |= {claim["metadata"]["name"] for claim in each["spec"].get("volumeClaimTemplates", [])}
        for container in [*spec.get("initContainers", []), *spec["containers"]]:
            assert {mount["name"] for mount in container["volumeMounts"]} <= mounted, kind_and_name(each)


@everywhere
def test_whatever_has_several_pods_has_a_disruption_budget(name: str) -> None:
    services = [each for each in of_kind(name, "InferenceService") if each["spec"]["predictor"]["minReplicas"] > 1]
    deployments = [each for each in of_kind(name, "Deployment") if _least_pods(name, each) > 1]
    several = [each["spec"]["template"]["metadata"]["labels"] for each in deployments]
    several += [_labels_to_count(service) for service in services]
    budgets = [each["spec"]["selector"]["matchLabels"] for each in of_kind(name, "PodDisruptionBudget")]
    assert len(budgets) == len(several)
    assert all(labels in several for labels in budgets)


def _least_pods(name: str, deployment: Document) -> int:
    """Of a Deployment: what it asks for itself, or what scales it."""
    scalers = [each["spec"] for kind in ("HorizontalPodAutoscaler", "ScaledObject") for each in of_kind(name, kind)]
    own = [each for each in scalers if each["scaleTargetRef"]["name"] == deployment["metadata"]["name"]]
    assert ("replicas" in deployment["spec"]) is not bool(own), "an upgrade would undo what scales it"
    [least] = [each.get("minReplicas") or each["minReplicaCount"] for each in own] or [deployment["spec"]["replicas"]]
    return int(least)


def _labels_to_count(service: Document) -> Document:
    """Labels of a service's pods; in Standard mode those of the stable version, by the label that KServe gives it."""
    if service["metadata"]["annotations"]["serving.kserve.io/deploymentMode"] == "Standard":
        return {"app": f"isvc.{service['metadata']['name']}-predictor"}
    return dict(service["spec"]["predictor"]["labels"])


@everywhere
def test_a_disruption_budget_never_lets_the_last_pod_of_a_version_go(name: str) -> None:
    """While a rollout takes the places of stable pods, KServe asks for fewer of them, down to one."""
    for each in of_kind(name, "InferenceService"):
        replicas = each["spec"]["predictor"]["minReplicas"]
        fixed = each["metadata"]["annotations"].get("serving.kserve.io/autoscalerClass") == "none"
        selector = {"matchLabels": _labels_to_count(each)}
        for budget in of_kind(name, "PodDisruptionBudget"):
            if budget["spec"]["selector"] == selector:
                allowed = {"minAvailable": replicas - 1} if fixed else {"maxUnavailable": 1}
                assert allowed.items() <= budget["spec"].items()


def test_a_changed_environment_restarts_deployments() -> None:
    def checksums(*sets: str) -> dict[str, str]:
        made = [each for each in documents(render("rollouts", sets=sets)) if each["kind"] == "Deployment"]
        notes = {each["metadata"]["name"]: each["spec"]["template"]["metadata"]["annotations"] for each in made}
        return {name: found["checksum/environment"] for name, found in notes.items()}

    before, after = checksums(), checksums("telemetry.endpoint=http://collector.observability:4318")
    assert before.keys() == after.keys() == {"matchday-mlflow", "matchday-rollout"}
    assert before == checksums()
    assert not before.items() & after.items()


def test_a_pod_gets_the_time_that_its_server_needs_to_stop() -> None:
    [service] = of_kind("default", "InferenceService")
    given = variables(service["spec"]["predictor"]["model"])
    needed = int(given["MATCHDAY_SERVING_DRAIN_SECONDS"]) + int(given["MATCHDAY_SERVING_STOP_SECONDS"])
    assert service["spec"]["predictor"]["terminationGracePeriodSeconds"] > needed
