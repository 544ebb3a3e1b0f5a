"""k8s/operator.yaml: the operator without the chart has the chart's rights and the chart's confinement."""

import json
import re
from functools import cache

from rollout.kubernetes.settings import OperatorSettings
from tests.charts.manifests import Document, variables
from tests.charts.rendering import ROOT, documents, render

SETS = ("rollouts.enabled=true", "rollouts.services[0].name=churn", "rollouts.services[0].namespace=sales")


@cache
def alone() -> list[Document]:
    return documents((ROOT / "k8s/operator.yaml").read_text())


@cache
def charted() -> list[Document]:
    """What the chart renders for the same service of the same namespace."""
    return [each for each in documents(render(sets=SETS)) if each["metadata"]["name"] == "matchday-rollout"]


def one(found: list[Document], kind: str, namespace: str = "sales") -> Document:
    [thing] = [each for each in found if each["kind"] == kind and each["metadata"].get("namespace") == namespace]
    return thing


def pod(found: list[Document]) -> Document:
    [thing] = [each for each in found if each["kind"] == "Deployment"]
    return dict(thing["spec"]["template"]["spec"])


def test_its_rights_are_those_of_the_chart() -> None:
    leases = [rule for rule in one(charted(), "Role", "matchday")["rules"] if "leases" in rule["resources"]]
    assert len(leases) == 2
    assert one(alone(), "Role")["rules"] == one(charted(), "Role")["rules"] + leases
    assert one(alone(), "RoleBinding")["roleRef"] == one(charted(), "RoleBinding")["roleRef"]
    [subject] = one(alone(), "RoleBinding")["subjects"]
    account = one(alone(), "ServiceAccount")
    assert subject == {"kind": "ServiceAccount", **{key: account["metadata"][key] for key in ("name", "namespace")}}
    assert not {"ClusterRole", "ClusterRoleBinding"} & {each["kind"] for each in alone()}


def test_its_pod_is_confined_probed_and_sized_as_that_of_the_chart() -> None:
    ours, theirs = pod(alone()), pod(charted())
    for key in (
        *("automountServiceAccountToken", "enableServiceLinks", "securityContext", "serviceAccountName"),
        *("terminationGracePeriodSeconds", "volumes"),
    ):
        assert ours[key] == theirs[key], key
    [own], [other] = ours["containers"], theirs["containers"]
    for key in {*own} | {*other}:
        if key not in ("env", "envFrom", "image", "volumeMounts"):
            assert own[key] == other[key], key
    assert [each for each in other["volumeMounts"] if each["name"] == "scratch"] == own["volumeMounts"]
    assert own["image"].split(":") == ["matchday-operator", other["image"].split(":")[1]]
    [deployment] = [each for each in alone() if each["kind"] == "Deployment"]
    selector = deployment["spec"]["selector"]["matchLabels"]
    assert selector == deployment["spec"]["template"]["metadata"]["labels"]


def test_its_settings_are_known_and_need_no_registry() -> None:
    prefix = str(OperatorSettings.model_config["env_prefix"])
    [container] = pod(alone())["containers"]
    given = {name: value for name, value in variables(container).items() if name.startswith(prefix)}
    assert {name.removeprefix(prefix).lower() for name in given} <= {*OperatorSettings.model_fields}
    [role] = [each for each in alone() if each["kind"] == "Role"]
    others = json.loads(str(given["MATCHDAY_OPERATOR_OTHER_SERVICES"]))
    named = next(
        rule["resourceNames"] for rule in role["rules"] if "patch" in rule["verbs"] and "resourceNames" in rule
    )
    assert others == {role["metadata"]["namespace"]: named}
    made = OperatorSettings(
        **{name.removeprefix(prefix).lower(): value for name, value in given.items() if value and "OTHER" not in name}
    )
    assert (made.registry, made.lease) == (False, "matchday-rollout")
    assert made.models() == {}


def test_the_documentation_has_every_setting_of_the_operator() -> None:
    text = (ROOT / "docs/other-servers.md").read_text()
    section = text.split("## Without the chart")[1].split("\n## ")[0]
    shown = set(re.findall(r"^\| `(MATCHDAY_OPERATOR_\w+)`", section, re.MULTILINE))
    assert shown == {f"MATCHDAY_OPERATOR_{name.upper()}" for name in OperatorSettings.model_fields}
    assert "k8s/operator.yaml" in section


def test_the_definition_is_rendered_by_itself_for_a_cluster_without_the_rest() -> None:
    """As the documentation tells to, with no more of the platform than it names."""
    section = (ROOT / "docs/other-servers.md").read_text().split("## Without the chart")[1]
    platform = re.findall(r"--api-versions (\S+)", section)
    flags = ["--show-only", *re.findall(r"--show-only (\S+)", section)]
    [definition] = documents(render(sets=SETS[:1], platform=platform, flags=flags))
    assert definition["kind"] == "CustomResourceDefinition"
