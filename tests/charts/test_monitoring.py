"""What Prometheus is told to read of the operator, and the rules over it: of metrics that there are."""

import re
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from rollout.kubernetes.metrics import OperatorMetrics
from rollout.state import Phase, State
from tests.charts.manifests import of_kind

NAME = re.compile(r"matchday_[a-z_]+")


def metrics() -> set[str]:
    """Names of all samples that the operator has."""
    shown = OperatorMetrics(lambda: True, lambda: {"match-outcome": 31.0})
    shown.rounds.labels("match-outcome").inc()
    shown.errors.labels("match-outcome").inc()
    shown.observe("second", "match-outcome", "match-outcome", State(phase=Phase.SHADOW))
    return {each.name for family in text_string_to_metric_families(shown.text().decode()) for each in family.samples}


def test_rules_read_metrics_that_the_operator_has() -> None:
    [rule] = of_kind("rollouts", "PrometheusRule")
    [group] = rule["spec"]["groups"]
    for alert in group["rules"]:
        used = set(NAME.findall(alert["expr"]))
        assert used and used <= metrics(), alert
        assert 'namespace="' in alert["expr"]
        assert alert["annotations"]["summary"] and alert["labels"]["severity"]
        assert "{{ $labels." in alert["annotations"]["summary"] or "absent" in alert["expr"]


def test_the_page_names_every_metric() -> None:
    page = (Path(__file__).parents[2] / "docs" / "rollouts.md").read_text(encoding="utf-8")
    for name in metrics():
        if not name.endswith("_created"):
            short = name.removeprefix("matchday_rollout")
            assert f"`{name}`" in page or f"`{short}`" in page, name


def test_the_monitor_finds_the_operators_port() -> None:
    [monitor] = of_kind("rollouts", "PodMonitor")
    [deployment] = [each for each in of_kind("rollouts", "Deployment") if each["metadata"]["name"].endswith("-rollout")]
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert monitor["spec"]["selector"]["matchLabels"].items() <= labels.items()
    [endpoint] = monitor["spec"]["podMetricsEndpoints"]
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    assert endpoint == {"port": "health", "path": "/metrics"}
    assert {"name": "health", "containerPort": 8090} in container["ports"]


def test_the_policy_lets_prometheus_in_and_nobody_else() -> None:
    [policy] = [each for each in of_kind("rollouts", "NetworkPolicy") if each["metadata"]["name"].endswith("-rollout")]
    [allowed] = policy["spec"]["ingress"]
    assert allowed["ports"] == [{"port": 8090}]
    [source] = allowed["from"]
    assert source["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "observability"}
    [other] = [
        each for each in of_kind("rollouts-knative", "NetworkPolicy") if each["metadata"]["name"].endswith("-rollout")
    ]
    assert "ingress" not in other["spec"]


def test_without_it_no_kind_of_the_prometheus_operator_is_needed() -> None:
    for kind in ("PodMonitor", "PrometheusRule"):
        assert of_kind("rollouts-knative", kind) == []
