"""values.yaml documents every value, values.schema.json knows every one, and a typo is an error that names the key."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from serving.exposition import Everything
from serving.metrics import Metrics
from serving.settings import PREFIX, ServingSettings
from tests.charts.rendering import CHART, Refused, documents, render

VALUES = yaml.safe_load((CHART / "values.yaml").read_text())
SCHEMA = json.loads((CHART / "values.schema.json").read_text())
KSERVE = ["serving.kserve.io/v1beta1"]
GATEWAY = [*KSERVE, "gateway.networking.k8s.io/v1"]


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema behind its reference."""
    reference = schema.get("$ref", "")
    return resolved(SCHEMA["definitions"][reference.rpartition("/")[2]]) if reference else schema


def places(schema: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Every object of the schema, with where it is."""
    found = resolved(schema)
    if "properties" in found:
        yield path, found
        for name, inner in found["properties"].items():
            yield from places(inner, (*path, name))


def at(path: tuple[str, ...]) -> Any:
    """What the values have there."""
    value: Any = VALUES
    for name in path:
        value = value[name]
    return value


PLACES = list(places(SCHEMA))
OPTIONAL = {("global",), ("affinity", "nodeAffinity"), ("affinity", "podAffinity"), ("affinity", "podAntiAffinity")}


def test_the_schema_is_one() -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    jsonschema.validate(VALUES, SCHEMA)


@pytest.mark.parametrize(("path", "schema"), PLACES, ids=lambda each: ".".join(each) if isinstance(each, tuple) else "")
def test_the_schema_has_the_values_and_no_others(path: tuple[str, ...], schema: dict[str, Any]) -> None:
    assert schema["additionalProperties"] is False
    known = {name for name in schema["properties"] if (*path, name) not in OPTIONAL and name != "ephemeral-storage"}
    assert known == set(at(path))


@pytest.mark.parametrize("path", [path for path, _ in PLACES], ids=".".join)
def test_a_typo_is_refused_by_its_name(path: tuple[str, ...]) -> None:
    typo: Any = {"replicass": 1}
    for name in reversed(path):
        typo = {name: typo}
    with pytest.raises(jsonschema.ValidationError, match="'replicass' was unexpected"):
        jsonschema.validate(typo, SCHEMA)


@pytest.mark.parametrize("major", [3, 4], ids="helm{}".format)
@pytest.mark.parametrize(
    ("given", "named"),
    [
        ("replicas=2", "replicas"),
        ("inferenceService.replica=2", "replica"),
        ("images.serving.tags=1", "tags"),
        ("redis.resources.limit.cpu=1", "limit"),
        ("inferenceService.mode=Serverless", "mode"),
        ("inferenceService.autoscaling.cpuPercent=700", "cpuPercent"),
        ("redis.url=redis://:secret@host:6379/0", "url"),
        ("kafka.brokers[0]=kafka", "brokers"),
        ("rollouts.host=Forecasts", "host"),
        ("rollouts.interval=0", "interval"),
        ("environment.MATCHDAY_LOG_LEVEL=1", "MATCHDAY_LOG_LEVEL"),
    ],
)
def test_helm_names_the_key_of_a_wrong_value(given: str, named: str, major: int) -> None:
    with pytest.raises(Refused, match=rf"don't meet the specifications(?s:.)*\b{named}\b"):
        render(major=major, sets=[given])


ALIKE = {"repository", "tag", "digest", "enabled", "size", "storageClass", "resources", "annotations"}
"""Keys that mean the same wherever they are; said once, or at what holds them."""


def test_every_value_is_documented() -> None:
    lines = (CHART / "values.yaml").read_text().splitlines()
    known = {(*path, name) for path, schema in PLACES for name in schema["properties"]}
    silent = [
        ".".join(path)
        for path, line in keys(yaml.compose("\n".join(lines)))
        if path in known and not lines[line - 1].lstrip().startswith("#") and path[-1] not in ALIKE
    ]
    holders = [".".join(path) for path, _ in PLACES]
    assert [path for path in silent if path not in holders] == ["tolerations"]


def keys(node: yaml.Node, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], int]]:
    """Every key of a block, with its line from 0."""
    if isinstance(node, yaml.MappingNode) and not node.flow_style:
        for key, value in node.value:
            yield (*path, key.value), key.start_mark.line
            yield from keys(value, (*path, key.value))


@pytest.mark.parametrize("major", [3, 4], ids="helm{}".format)
@pytest.mark.parametrize(
    ("sets", "platform", "sentence"),
    [
        (["redis.url=redis://host:6379/0"], KSERVE, "redis.url is given while redis.enabled starts one in the chart"),
        (
            ["database.enabled=false"],
            KSERVE,
            "database.enabled is false: give database.url and database.existingSecret",
        ),
        (["bucket.enabled=false", "bucket.url=https://s3"], KSERVE, "give bucket.url and bucket.existingSecret"),
        ([], [], "KServe is not in this cluster: install it"),
        (["inferenceService.mode=Knative"], KSERVE, "Knative Serving is not in this cluster"),
        (["inferenceService.autoscaling.class=keda"], KSERVE, "KEDA is not in this cluster"),
        (
            ["inferenceService.mode=Knative", "inferenceService.autoscaling.class=hpa"],
            [*KSERVE, "serving.knative.dev/v1"],
            "does nothing in Knative mode",
        ),
        (
            ["inferenceService.autoscaling.class=hpa", "inferenceService.replicas=5"],
            KSERVE,
            "maxReplicas=4 is less than inferenceService.replicas=5",
        ),
        (
            ["inferenceService.mode=Knative", "inferenceService.replicas=5"],
            [*KSERVE, "serving.knative.dev/v1"],
            "maxReplicas=4 is less than inferenceService.replicas=5",
        ),
        (
            ["inferenceService.autoscaling.class=keda"],
            [*KSERVE, "keda.sh/v1alpha1"],
            "give inferenceService.autoscaling.prometheus.address",
        ),
        (["inferenceService.replicas=0"], KSERVE, "inferenceService.replicas is 0, which only Knative mode knows"),
        (["rollouts.enabled=true"], KSERVE, "rollouts.enabled splits requests by the Gateway API, which is not in"),
        (
            ["rollouts.enabled=true", "inferenceService.enabled=false"],
            GATEWAY,
            "rollouts.enabled needs an InferenceService to roll out to",
        ),
        (
            ["rollouts.enabled=true", "inferenceService.refreshSeconds=30"],
            GATEWAY,
            "lets running pods take up a moved alias, past the judge: leave it at 0",
        ),
        (
            ["rollouts.enabled=true", "inferenceService.storageUri=mlflow://match-outcome/3"],
            GATEWAY,
            "inferenceService.storageUri is mlflow://match-outcome/3, and rollouts promote what serves",
        ),
        (
            ["rollouts.enabled=true", "rollouts.host=a.b", "inferenceService.mode=Knative"],
            [*GATEWAY, "serving.knative.dev/v1"],
            "in Knative mode the public host is Knative's own",
        ),
        (
            ["pipelines.kfp.endpoint=http://kfp:8888", "redis.existingSecret=mine"],
            KSERVE,
            "runs take all their credentials from one Secret, matchday-credentials",
        ),
    ],
)
def test_a_contradiction_is_refused_with_a_sentence(
    sets: list[str], platform: list[str], sentence: str, major: int
) -> None:
    with pytest.raises(Refused, match=re.escape(sentence)):
        render(major=major, sets=sets, platform=platform)


def test_what_kserve_lacks_does_not_matter_without_it() -> None:
    assert render(sets=["inferenceService.enabled=false"], platform=[])


def test_the_settings_that_the_server_is_given_exist() -> None:
    settings = {f"{PREFIX}{name}".upper() for name in ServingSettings.model_fields}
    for switch in ("default", "kafka", "token", "refresh"):
        text = render(switch)
        assert set(re.findall(rf"{PREFIX}\w+", text)) <= settings


def test_the_metrics_that_values_ask_for_are_counted(tmp_path: Path) -> None:
    metrics = Metrics(tmp_path, "stable")
    metrics.series("match-outcome", "1")
    counted = {sample.name for family in Everything(metrics).collect() for sample in family.samples}
    files = [CHART / "values.yaml", *(CHART / "ci").iterdir()]
    asked = {name for file in files for name in re.findall(r"\bmatchday_\w+", file.read_text())}
    assert asked
    assert asked <= counted


@pytest.mark.parametrize(
    ("release", "sets", "fullname"),
    [
        ("matchday", [], "matchday"),
        ("my-matchday-2", [], "my-matchday-2"),
        ("league", [], "league-matchday"),
        ("league", ["nameOverride=table"], "league-table"),
        ("league", ["fullnameOverride=cup"], "cup"),
    ],
)
def test_names_follow_the_usual_rule(release: str, sets: list[str], fullname: str) -> None:
    made = {each["kind"]: each["metadata"]["name"] for each in documents(render(sets=sets, release=release))}
    assert made["ClusterServingRuntime"] == f"{fullname}-server"
    assert made["InferenceService"] == "match-outcome"
