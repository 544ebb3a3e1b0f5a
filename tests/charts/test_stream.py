"""What streams in the chart: the processor, the producer of live results, what scales them, and who reaches whom."""

import os
import re
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from matchday.events.settings import PREFIX, KafkaSettings
from tests.charts.manifests import Document, of_kind, variables
from tests.charts.rendering import Refused, documents, render

KSERVE = ("serving.kserve.io/v1beta1",)
TRIAL = ["kafka.enabled=true", "stream.enabled=true"]
PARTS = ("stream", "stream-live")
PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
EMITTED = "/var/lib/matchday/stream/emitted.json"
CONTRACT_SECONDS = 30
"""In which a processor that is told to stop ends its batch, commits it and leaves the group."""


def deployment(name: str, part: str = "stream") -> Document:
    """The processor, or the producer, of an example."""
    [found] = [each for each in of_kind(name, "Deployment") if each["metadata"]["name"] == f"matchday-{part}"]
    return found


def pod(name: str, part: str = "stream") -> Document:
    return dict(deployment(name, part)["spec"]["template"]["spec"])


def container(name: str, part: str = "stream") -> Document:
    [only] = pod(name, part)["containers"]
    return dict(only)


def policy(name: str, part: str) -> Document:
    """The network policy of a part."""
    [found] = [each for each in of_kind(name, "NetworkPolicy") if each["metadata"]["name"] == f"matchday-{part}"]
    return dict(found["spec"])


def targets(rules: list[Document]) -> dict[int | str, set[str]]:
    """The parts that may be called, by port; none where a port is open to wherever it is."""
    found: dict[int | str, set[str]] = {}
    for rule in rules:
        for port in rule["ports"]:
            expressions = [
                each["podSelector"]["matchExpressions"] for each in rule.get("to", []) if "podSelector" in each
            ]
            found[port["port"]] = {part for one in expressions for each in one for part in each["values"]}
    return found


def test_by_default_nothing_streams_and_there_is_no_broker() -> None:
    names = [each["metadata"]["name"] for kind in ("Deployment", "StatefulSet") for each in of_kind("default", kind)]
    assert not [name for name in names if "stream" in name or "kafka" in name]


def test_processor_and_producer_connect_alike_and_as_the_predictor_does() -> None:
    """The same secured brokers, by the names that Matchday's clients read."""

    def about_kafka(found: list[Document]) -> list[Document]:
        return [each for each in found if each["name"].startswith(PREFIX)]

    [service] = of_kind("stream-live", "InferenceService")
    brokers, *security = about_kafka(container("stream-live")["env"])
    assert brokers == {"name": f"{PREFIX}BOOTSTRAP_SERVERS", "value": "kafka-0.kafka:9093,kafka-1.kafka:9093"}
    assert security == about_kafka(service["spec"]["predictor"]["model"]["env"])
    for part in PARTS:
        [topics] = pod("stream-live", part)["initContainers"]
        assert about_kafka(container("stream-live", part)["env"]) == [brokers, *security] == about_kafka(topics["env"])
        mounts = [each for each in topics["volumeMounts"] if each["name"] == "kafka"]
        assert mounts == [{"name": "kafka", "mountPath": "/etc/kafka", "readOnly": True}]
        assert mounts[0] in container("stream-live", part)["volumeMounts"]


@pytest.mark.parametrize(
    ("example", "servers"),
    [
        ("stream", ("matchday-kafka.matchday.svc:9092",)),
        ("stream-live", ("kafka-0.kafka:9093", "kafka-1.kafka:9093")),
    ],
)
def test_the_address_that_is_read_leads_to_the_brokers(
    example: str, servers: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    given = variables(container(example))
    assert given["MATCHDAY_STREAM_EVENTS"] == "kafka://"
    for name, value in given.items():
        if name.startswith(PREFIX):
            monkeypatch.setenv(name, value or "from the Secret")
    cluster = KafkaSettings().cluster()
    assert cluster.brokers == servers
    assert (cluster.login is not None) == (example == "stream-live")
    assert given[f"{PREFIX}BOOTSTRAP_SERVERS"] == ",".join(servers)


def test_the_stores_are_given_by_reference() -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        assert (
            variables(container("stream-live"))[name]
            is variables(container("stream-live", "stream-live"))[name]
            is None
        )
    assert variables(container("stream-live"))["MATCHDAY_ONLINE_STORE"] is None
    assert "MATCHDAY_ONLINE_STORE" not in variables(container("stream-live", "stream-live")), (
        "it writes to topics alone"
    )
    for part in PARTS:
        [source] = container("stream-live", part)["envFrom"]
        assert source == {"configMapRef": {"name": "matchday-environment"}}
        assert variables(container("stream-live", part))["OTEL_TRACES_SAMPLER"] == "always_on"


def test_commands_are_those_of_the_stream() -> None:
    assert container("stream")["args"] == ["stream", "process", "--port", "8090"]
    assert container("stream-live", "stream-live")["args"] == ["stream", "live"]
    assert variables(container("stream"))["MATCHDAY_STREAM_GROUP"] == "matchday-features"


@pytest.mark.parametrize(
    ("example", "sets", "partitions", "replication"),
    [
        ("stream", [], "4", "1"),
        ("stream-live", [], "8", "3"),
        ("stream-live", ["stream.topics.replication=2"], "8", "2"),
        ("stream", ["stream.topics.partitions=12"], "12", "1"),
    ],
)
def test_topics_are_there_before_a_pod_reads_or_writes_them(
    example: str, sets: list[str], partitions: str, replication: str
) -> None:
    """Not by a hook: with `--wait` Helm would wait for pods that wait for what the hook makes."""
    made = [each for each in documents(render(example, sets=sets)) if each["kind"] == "Deployment"]
    pods = [each["spec"]["template"]["spec"] for each in made if "-stream" in each["metadata"]["name"]]
    assert pods
    for each in pods:
        [topics] = each["initContainers"]
        assert topics["args"] == ["stream", "topics", "--partitions", partitions, "--replication", replication]
        assert topics["image"] == each["containers"][0]["image"]
    assert not [each for each in of_kind(example, "Job") if "topics" in each["metadata"]["name"]]


def test_a_pod_is_ready_when_it_can_progress_and_restarted_when_it_does_not_turn() -> None:
    found = container("stream")
    assert found["readinessProbe"]["httpGet"] == {"path": "/ready", "port": "health"}
    for probe in ("livenessProbe", "startupProbe"):
        assert found[probe]["httpGet"]["path"] == "/live", "a broker that is away is no reason to restart"
    assert {"name": "health", "containerPort": 8090} in found["ports"]
    assert variables(found)["MATCHDAY_STREAM_HOST"] == "0.0.0.0", "the kubelet asks from outside the pod"


def test_the_producer_is_judged_by_what_it_wrote_down_last(tmp_path: Path) -> None:
    found = container("stream-live", "stream-live")
    written = tmp_path / "emitted.json"

    def passes(probe: str) -> bool:
        command = [part.replace(EMITTED, str(written)) for part in found[probe]["exec"]["command"]]
        return subprocess.run(command, check=False, capture_output=True).returncode == 0

    assert not any(map(passes, PROBES))
    written.write_text("{}")
    assert all(map(passes, PROBES))
    quarter_of_an_hour_ago = time.time() - 15 * 60
    os.utime(written, (quarter_of_an_hour_ago, quarter_of_an_hour_ago))
    assert [probe for probe in PROBES if passes(probe)] == ["livenessProbe"], "a wait for Kafka ends nothing"


def test_the_producer_asks_one_source_and_needs_no_token() -> None:
    made = documents(render("stream-live", sets=["sources.names={fpl,football_data_org}", "sources.existingSecret=t"]))
    [found] = [
        each for each in made if each["metadata"]["name"] == "matchday-stream-live" and "replicas" in each["spec"]
    ]
    [producer] = found["spec"]["template"]["spec"]["containers"]
    assert variables(producer)["MATCHDAY_SOURCES"] == "fpl"
    assert "MATCHDAY_FOOTBALL_DATA_TOKEN" not in variables(producer)


def test_it_has_the_time_to_stop_that_it_needs() -> None:
    assert pod("stream")["terminationGracePeriodSeconds"] > CONTRACT_SECONDS
    [longer] = [
        each["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
        for each in documents(render("stream", sets=["stream.stopSeconds=60"]))
        if each["kind"] == "Deployment" and each["metadata"]["name"] == "matchday-stream"
    ]
    assert longer > 60


def test_a_new_version_joins_before_an_old_one_leaves_and_two_producers_never_run() -> None:
    assert deployment("stream")["spec"]["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    live = deployment("stream-live", "stream-live")["spec"]
    assert (live["replicas"], live["strategy"]) == (1, {"type": "Recreate"})


def test_processor_time_scales_by_an_autoscaler() -> None:
    [scaler] = of_kind("stream-hpa", "HorizontalPodAutoscaler")
    spec = scaler["spec"]
    assert spec["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": "matchday-stream"}
    assert (spec["minReplicas"], spec["maxReplicas"]) == (1, 2)
    [metric] = spec["metrics"]
    assert metric["resource"] == {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}}
    assert of_kind("stream-hpa", "ScaledObject") == []


def test_keda_scales_by_what_waits_and_connects_as_the_pods_do() -> None:
    [scaled] = of_kind("stream-live", "ScaledObject")
    spec = scaled["spec"]
    assert (spec["minReplicaCount"], spec["maxReplicaCount"]) == (2, 8)
    [trigger] = spec["triggers"]
    told = trigger["metadata"]
    given = variables(container("stream-live"))
    assert told["bootstrapServers"] == given[f"{PREFIX}BOOTSTRAP_SERVERS"]
    assert told["consumerGroup"] == given["MATCHDAY_STREAM_GROUP"]
    assert (told["lagThreshold"], told["sasl"], told["tls"]) == ("1000", "scram_sha512", "enable")
    assert all(isinstance(value, str) for value in told.values()), "KEDA takes texts alone"
    [login] = of_kind("stream-live", "TriggerAuthentication")
    assert trigger["authenticationRef"]["name"] == login["metadata"]["name"]
    read = {each["parameter"]: (each["name"], each["key"]) for each in login["spec"]["secretTargetRef"]}
    assert read == {
        "username": ("matchday-kafka", "MATCHDAY_KAFKA_SASL_USERNAME"),
        "password": ("matchday-kafka", "MATCHDAY_KAFKA_SASL_PASSWORD"),
        "ca": ("kafka-cluster-ca-cert", "ca.crt"),
        "cert": ("kafka-user", "tls.crt"),
        "key": ("kafka-user", "tls.key"),
    }


@pytest.mark.parametrize(("mechanism", "sasl"), [("PLAIN", "plaintext"), ("SCRAM-SHA-256", "scram_sha256")])
def test_keda_is_told_every_way_to_log_in(mechanism: str, sasl: str) -> None:
    made = documents(render("stream-live", sets=[f"kafka.saslMechanism={mechanism}"]))
    [scaled] = [each for each in made if each["kind"] == "ScaledObject"]
    assert scaled["spec"]["triggers"][0]["metadata"]["sasl"] == sasl


def test_without_security_keda_needs_no_secret() -> None:
    keda = ["stream.autoscaling.class=keda", "networkPolicy.kafkaClients[0].namespaceSelector.matchLabels.a=keda"]
    made = documents(render(sets=[*TRIAL, *keda]))
    [scaled] = [each for each in made if each["kind"] == "ScaledObject"]
    [trigger] = scaled["spec"]["triggers"]
    assert (trigger["metadata"]["sasl"], trigger["metadata"]["tls"]) == ("none", "disable")
    assert "authenticationRef" not in trigger
    assert not [each for each in made if each["kind"] == "TriggerAuthentication"]


def test_the_processor_reaches_kafka_the_online_store_and_the_bucket_and_nothing_else() -> None:
    assert targets(policy("stream", "stream")["egress"]) == {9092: {"kafka"}, 7070: {"bucket"}, 6379: {"redis"}}
    assert targets(policy("stream-live", "stream")["egress"]) == {
        9093: set(),
        7070: {"bucket"},
        6379: {"redis"},
        4318: set(),
    }
    assert "ipBlock" not in str(policy("stream-live", "stream"))


def test_the_producer_alone_reaches_the_source_outside_private_networks() -> None:
    rules = policy("stream-live", "stream-live")["egress"]
    assert targets(rules).keys() == {9093, 7070, 443, 4318}
    [outside] = [rule for rule in rules if "ipBlock" in str(rule)]
    assert outside["ports"] == [{"port": 443}]
    assert [each["metadata"]["name"] for each in of_kind("stream-live", "NetworkPolicy") if "ipBlock" in str(each)] == [
        "matchday-stream-live"
    ]


def test_the_producer_goes_to_the_source_that_it_asks_and_no_other() -> None:
    values = ["sources.names={fpl,football_data_uk}", "sources.urls.fpl=https://mirror.example.org:8443/api"]
    made = documents(render("stream-live", sets=values))
    [found] = [each for each in made if each["kind"] == "NetworkPolicy" and "ipBlock" in str(each)]
    [outside] = [rule for rule in found["spec"]["egress"] if "ipBlock" in str(rule)]
    assert outside["ports"] == [{"port": 8443}]


def test_the_broker_lets_in_what_streams_or_logs_and_whoever_is_named() -> None:
    def let_in(*sets: str) -> Any:
        made = documents(render(sets=["kafka.enabled=true", *sets]))
        [found] = [
            each["spec"] for each in made if each["metadata"]["name"] == "matchday-kafka" and "ingress" in str(each)
        ]
        assert found["policyTypes"] == ["Ingress"]
        [rule] = found["ingress"]
        assert rule["ports"] == [{"port": "kafka"}]
        parts = [peer["podSelector"]["matchExpressions"][0]["values"] for peer in rule["from"] if "podSelector" in peer]
        return sorted(part for found in parts for part in found), [
            peer["namespaceSelector"]["matchLabels"] for peer in rule["from"] if "namespaceSelector" in peer
        ]

    live = ["stream.enabled=true", "stream.live.enabled=true", "sources.names={fpl}"]
    keda = "networkPolicy.kafkaClients[0].namespaceSelector.matchLabels.name=keda"
    assert let_in() == (["predictor"], [])
    assert let_in("rollouts.enabled=true") == (["predictor", "rollout"], [])
    assert let_in(*live) == (["predictor", "stream", "stream-live"], [])
    assert let_in("modelDefaults.predictions=false", "stream.enabled=true", keda) == (["stream"], [{"name": "keda"}])


def test_predictions_are_logged_to_the_chart_s_broker_too() -> None:
    [service] = of_kind("stream", "InferenceService")
    given = variables(service["spec"]["predictor"]["model"])
    assert given["MATCHDAY_SERVING_PREDICTIONS"] == "kafka://matchday-kafka.matchday.svc:9092"
    assert targets(policy("stream", "predictor")["egress"])[9092] == {"kafka"}


def test_prometheus_reads_the_processor_and_is_let_in() -> None:
    [monitor] = of_kind("stream-live", "PodMonitor")
    [endpoint] = monitor["spec"]["podMetricsEndpoints"]
    assert endpoint == {"port": "health", "path": "/metrics"}
    labels = deployment("stream-live")["spec"]["template"]["metadata"]["labels"]
    assert monitor["spec"]["selector"]["matchLabels"].items() <= labels.items()
    [allowed] = policy("stream-live", "stream")["ingress"]
    assert allowed["ports"] == [{"port": 8090}]
    [source] = allowed["from"]
    assert source["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "observability"}
    assert "ingress" not in policy("stream-live", "stream-live"), "nothing listens there"
    assert of_kind("stream", "PodMonitor") == []
    assert "ingress" not in policy("stream", "stream")


KEDA = [*TRIAL, "stream.autoscaling.class=keda"]


@pytest.mark.parametrize("major", [3, 4], ids="helm{}".format)
@pytest.mark.parametrize(
    ("sets", "sentence"),
    [
        (
            ["kafka.enabled=true", "kafka.brokers={kafka:9092}"],
            "kafka.brokers is given while kafka.enabled starts one in the chart: set kafka.enabled=false to use yours",
        ),
        (
            ["kafka.enabled=true", "kafka.securityProtocol=SASL_SSL", "kafka.existingSecret=login"],
            "kafka.securityProtocol is SASL_SSL, and the broker that kafka.enabled starts knows PLAINTEXT alone",
        ),
        (
            ["kafka.enabled=true", "stream.topics.replication=3"],
            "stream.topics.replication is 3, and kafka.enabled starts one broker: leave it at 0",
        ),
        (["stream.enabled=true"], "stream.enabled reads events from Kafka, and there is none: give kafka.brokers"),
        (
            ["kafka.enabled=true", "stream.live.enabled=true"],
            "stream.live.enabled writes events that nothing reads: set stream.enabled=true",
        ),
        (
            [*TRIAL, "stream.live.enabled=true", "sources.names={football_data_uk}"],
            "asks the Fantasy Premier League, and sources.names does not have it: add fpl to sources.names",
        ),
        (
            [*TRIAL, "stream.replicas=5"],
            "stream.replicas is 5, and each topic has 4 partitions (stream.topics.partitions): the pods over that",
        ),
        (
            [*TRIAL, "stream.autoscaling.class=hpa", "stream.autoscaling.maxReplicas=8"],
            "stream.autoscaling.maxReplicas is 8, and each topic has 4 partitions",
        ),
        (
            [*TRIAL, "stream.autoscaling.class=hpa", "stream.autoscaling.maxReplicas=1", "stream.replicas=2"],
            "stream.autoscaling.maxReplicas=1 is less than stream.replicas=2: raise it",
        ),
        (KEDA, "stream.autoscaling.class is keda, and KEDA is not in this cluster: install it, or use hpa"),
        (["stream=null"], "stream, kafka.persistence or images.kafka is missing, as after an upgrade that reuses all"),
    ],
)
def test_a_contradiction_is_refused_with_a_sentence(sets: list[str], sentence: str, major: int) -> None:
    with pytest.raises(Refused, match=re.escape(sentence)):
        render(major=major, sets=sets, platform=KSERVE)


@pytest.mark.parametrize(
    ("sets", "sentence"),
    [
        (KEDA, "asks the chart's Kafka from its own namespace, and the network policy does not let it in: name it in"),
        (
            [
                *("stream.enabled=true", "stream.autoscaling.class=keda", "kafka.brokers={kafka:9093}"),
                *("kafka.securityProtocol=SSL", "kafka.tls.checkHostname=false"),
            ],
            "kafka.tls.checkHostname is false, which KEDA does not know: use stream.autoscaling.class=hpa",
        ),
    ],
)
def test_what_keda_cannot_do_is_refused_with_a_sentence(sets: list[str], sentence: str) -> None:
    with pytest.raises(Refused, match=re.escape(sentence)):
        render(sets=sets)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ("kafka.replicas=3", "replicas"),
        ("stream.replicas=0", "replicas"),
        ("stream.group=a b", "group"),
        ("stream.topics.partitions=0", "partitions"),
        ("stream.autoscaling.class=lag", "class"),
        ("kafka.classpath=/opt/'", "classpath"),
    ],
)
def test_helm_names_the_key_of_a_wrong_value(given: str, named: str) -> None:
    with pytest.raises(Refused, match=rf"don't meet the specifications(?s:.)*\b{named}\b"):
        render(sets=[*TRIAL, given])


def test_without_policies_keda_reaches_the_chart_s_broker() -> None:
    assert render(sets=[*KEDA, "networkPolicy.enabled=false"])


def test_values_of_the_log_alone_are_taken_as_before() -> None:
    assert render("kafka") and render("kafka-tls")
    assert not [each for each in of_kind("kafka", "Deployment") if "stream" in each["metadata"]["name"]]
