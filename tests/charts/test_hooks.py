"""Hooks of Helm: what a hook's pod needs is there when it runs, and not only once the release has been changed."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.charts.manifests import Document, everywhere, objects
from tests.charts.rendering import documents, kind_and_name, render
from tests.charts.test_secrets import GIVEN

HOOK, WEIGHT = "helm.sh/hook", "helm.sh/hook-weight"
ACCOUNTS = {"default", "given", "platform"}
"""Accounts that the chart does not make: every namespace has the first, and values of tests name the others."""

CHANGED = [
    "serviceAccount.name=new",
    "environment.HTTPS_PROXY=http://proxy:3128",
    "imagePullSecrets[0].name=registry",
    "networkPolicy.podPorts.telemetry[0]=4319",
]
"""What an upgrade may bring: an account, variables, policies."""


def events(thing: Document) -> set[str]:
    """The events on which Helm makes an object; none where it is part of the release."""
    return set(filter(None, thing["metadata"].get("annotations", {}).get(HOOK, "").split(",")))


def weight(thing: Document) -> int:
    return int(thing["metadata"]["annotations"].get(WEIGHT, "0"))


def pod_of(thing: Document) -> Document:
    """The pod of a hook that has one."""
    spec = thing["spec"]["template"]["spec"] if thing["kind"] == "Job" else thing["spec"]
    return dict(spec)


def needs(value: Any) -> Iterator[tuple[str, str]]:
    """Kind and name of everything that a pod refers to."""
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        if key == "serviceAccountName":
            yield "ServiceAccount", inner
        elif key in ("secretKeyRef", "secretRef"):
            yield "Secret", inner["name"]
        elif key in ("configMapKeyRef", "configMapRef", "configMap"):
            yield "ConfigMap", inner["name"]
        elif key == "secret":
            yield "Secret", inner.get("secretName") or inner["name"]
        elif key == "persistentVolumeClaim":
            yield "PersistentVolumeClaim", inner["claimName"]
        elif isinstance(inner, (dict, list)):
            yield from needs(inner)


def kept(thing: Document) -> bool:
    """Whether it outlives releases: an upgrade finds what the installation made, and _checks.tpl sees to it."""
    return thing["metadata"].get("annotations", {}).get("helm.sh/resource-policy") == "keep"


def missing(rendered: list[Document]) -> list[str]:
    """What hooks need and do not find, in words."""
    found = []
    for hook in (each for each in rendered if each["kind"] in ("Job", "Pod") and events(each)):
        for event in sorted(events(hook)):
            there = {(each["kind"], each["metadata"]["name"]) for each in rendered if _is_there(each, hook, event)}
            for kind, name in needs(pod_of(hook)):
                given = name in (GIVEN if kind == "Secret" else ACCOUNTS if kind == "ServiceAccount" else ())
                if (kind, name) not in there and not given:
                    found.append(f"{kind_and_name(hook)} needs {kind} {name} at {event}")
    return found


def _is_there(each: Document, hook: Document, event: str) -> bool:
    """Whether an object is there when a hook runs."""
    if events(each):
        return event in events(each) and weight(each) < weight(hook)
    return event not in ("pre-install", "pre-upgrade") or kept(each)


@everywhere
def test_a_hook_finds_what_it_needs_when_it_runs(name: str) -> None:
    assert missing(objects(name)) == []


@pytest.mark.parametrize("account", [[], ["serviceAccount.create=false", "serviceAccount.name=given"]])
@pytest.mark.parametrize("extra", [[], CHANGED])
def test_no_value_takes_from_a_hook_what_it_needs(extra: list[str], account: list[str]) -> None:
    assert missing(documents(render(sets=[*extra, *account]))) == []


def test_a_hook_that_needs_what_only_the_upgrade_brings_is_found() -> None:
    rendered = documents(render())
    [job] = [each for each in rendered if kind_and_name(each) == "Job matchday/matchday-migrate-database"]
    job["spec"]["template"]["spec"]["serviceAccountName"] = "matchday"
    job["spec"]["template"]["spec"]["containers"][0]["envFrom"] = [{"configMapRef": {"name": "matchday-environment"}}]
    assert missing(rendered) == [
        "Job matchday/matchday-migrate-database needs ServiceAccount matchday at pre-upgrade",
        "Job matchday/matchday-migrate-database needs ConfigMap matchday-environment at pre-upgrade",
    ]


@everywhere
def test_the_policies_that_a_hook_before_an_upgrade_needs_come_with_it(name: str) -> None:
    """The former release's policies may open other ports; policies only add."""
    rendered = objects(name)
    policies = [each for each in rendered if each["kind"] == "NetworkPolicy"]
    for hook in (each for each in rendered if each["kind"] == "Job" and "pre-upgrade" in events(each)):
        labels = hook["spec"]["template"]["metadata"]["labels"].items()
        selecting = [each for each in policies if each["spec"]["podSelector"]["matchLabels"].items() <= labels]
        early = [each for each in selecting if "pre-upgrade" in events(each) and weight(each) < weight(hook)]
        opened = [rule for each in early for rule in each["spec"]["egress"]]
        stores = [
            rule
            for each in selecting
            if not events(each)
            for rule in each["spec"]["egress"]
            if _is_for(rule, "database") or {"port": 53, "protocol": "UDP"} in rule["ports"]
        ]
        assert bool(selecting) == (name != "open")
        assert [rule for rule in stores if rule not in opened] == [], kind_and_name(hook)


def _is_for(rule: Document, component: str) -> bool:
    return component in str(rule.get("to", ""))


@everywhere
def test_helper_objects_of_hooks_are_gone_once_they_have_succeeded(name: str) -> None:
    for each in objects(name):
        if events(each) and each["kind"] not in ("Job", "Pod"):
            policy = each["metadata"]["annotations"]["helm.sh/hook-delete-policy"]
            assert set(policy.split(",")) == {"before-hook-creation", "hook-succeeded"}, kind_and_name(each)
