"""values.yaml documents every value, values.schema.json knows every one, and a typo is an error that names the key."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from matchday.events import settings as kafka
from serving.exposition import WorkersCollector
from serving.metrics import Metrics
from serving.settings import PREFIX, ServingSettings
from tests.charts.rendering import CHART, Refused, documents, render

VALUES = yaml.safe_load((CHART / "values.yaml").read_text())
SCHEMA = json.loads((CHART / "values.schema.json").read_text())


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema behind its reference."""
    found = schema
    while reference := found.get("$ref", ""):
        found = SCHEMA
        for name in reference.split("/")[1:]:
            found = found[name]
    return found


def places(schema: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Every object of the schema, with where it is."""
    found = resolved(schema)
    if "properties" in found:
        yield path, found
        for name, inner in found["properties"].items():
            yield from places(inner, (*path, name))
    elif path == ("models",):
        yield from places(found["additionalProperties"], (*path, "match-outcome"))


def at(path: tuple[str, ...]) -> Any:
    """The values at a path; an entry of `models` also has those of `modelDefaults`."""
    value: Any = {**VALUES, "models": {name: VALUES["modelDefaults"] | own for name, own in VALUES["models"].items()}}
    for name in path:
        value = value[name]
    return value


PLACES = list(places(SCHEMA))
OPTIONAL = {("global",), ("affinity", "nodeAffinity"), ("affinity", "podAffinity"), ("affinity", "podAntiAffinity")}
OLD = {("inferenceService",), ("rollouts", "host"), ("clusterObjects",)}
"""Keys of an older chart, which the schema lets through to the sentence that refuses them."""


def test_the_schema_is_one() -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    jsonschema.validate(VALUES, SCHEMA)


@pytest.mark.parametrize(("path", "schema"), PLACES, ids=lambda each: ".".join(each) if isinstance(each, tuple) else "")
def test_the_schema_has_the_values_and_no_others(path: tuple[str, ...], schema: dict[str, Any]) -> None:
    assert schema["additionalProperties"] is False
    known = {
        name for name in schema["properties"] if (*path, name) not in OPTIONAL | OLD and name != "ephemeral-storage"
    }
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
        ("modelDefaults.replica=2", "replica"),
        ("models.match-outcome.replica=2", "replica"),
        ("models.Total_goals.replicas=2", "Total_goals"),
        ("models.match-outcome.storageUri=s3://bucket/model", "storageUri"),
        ("images.serving.tags=1", "tags"),
        ("redis.resources.limit.cpu=1", "limit"),
        ("models.match-outcome.mode=Serverless", "mode"),
        ("modelDefaults.autoscaling.cpuPercent=700", "cpuPercent"),
        ("redis.url=redis://:secret@host:6379/0", "url"),
        ("kafka.brokers[0]=kafka", "brokers"),
        ("models.match-outcome.host=Forecasts", "host"),
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


def test_without_a_served_model_no_kserve_is_needed() -> None:
    assert render(sets=["models.match-outcome.enabled=false"], platform=[])


def test_the_settings_that_the_server_is_given_exist() -> None:
    settings = {f"{PREFIX}{name}".upper() for name in ServingSettings.model_fields}
    settings |= {f"{kafka.PREFIX}{name}".upper() for name in kafka.KafkaSettings.model_fields}
    for example in ("default", "kafka", "kafka-tls", "token", "refresh"):
        found = set(re.findall(rf"(?:{PREFIX}|{kafka.PREFIX})\w+", render(example)))
        assert found <= settings, found - settings


def test_the_metrics_that_values_ask_for_are_counted(tmp_path: Path) -> None:
    metrics = Metrics(tmp_path, "stable")
    metrics.series("match-outcome", "1")
    counted = {sample.name for family in WorkersCollector(metrics).collect() for sample in family.samples}
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
    assert made["ServingRuntime"] == f"{fullname}-server"
    assert made["InferenceService"] == "match-outcome"
