"""The definition of ModelRollouts agrees with `rollout/spec.py` and `rollout/state.py`."""

import copy
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from rollout.judge import CHECK_NAMES, Finding, JudgeLimits, Verdict
from rollout.kubernetes.annotations import commands_of
from rollout.kubernetes.kinds import MODEL_ROLLOUT
from rollout.kubernetes.model_rollout import status_of
from rollout.spec import PromotionPolicy, Spec, SpecError, UndecidedPolicy
from rollout.state import ENDED, Commands, HistoryEntry, Phase, PromotionStage, State
from tests.charts.rendering import documents, render

Schema = dict[str, Any]


@cache
def definition() -> Schema:
    """The rendered object."""
    [found] = [each for each in documents(render("rollouts")) if each["kind"] == "CustomResourceDefinition"]
    return found


def schema(part: str = "") -> Schema:
    """Of the whole resource, or of its spec or status."""
    [version] = definition()["spec"]["versions"]
    whole: Schema = version["schema"]["openAPIV3Schema"]
    return whole["properties"][part] if part else whole


def defaulted(value: Any, given: Schema) -> Any:
    """A document with the defaults that the API server fills in."""
    if given["type"] == "object" and isinstance(value, dict):
        filled = {**value}
        for name, inner in given.get("properties", {}).items():
            if name not in filled and "default" in inner:
                filled[name] = copy.deepcopy(inner["default"])
            if name in filled:
                filled[name] = defaulted(filled[name], inner)
        return filled
    if given["type"] == "array" and isinstance(value, list):
        return [defaulted(each, given["items"]) for each in value]
    return value


def standard(given: Schema) -> Schema:
    """As JSON Schema: `nullable` and the old `exclusiveMinimum` are OpenAPI's."""
    made = {key: value for key, value in given.items() if key not in ("nullable", "default")}
    for bound, strict in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if made.pop(strict, False) is True:
            made[strict] = made.pop(bound)
    if "properties" in made:
        made["properties"] = {name: standard(inner) for name, inner in made["properties"].items()}
        made["additionalProperties"] = False
    if "items" in made:
        made["items"] = standard(made["items"])
    return {"anyOf": [made, {"type": "null"}]} if given.get("nullable") else made


def validate(part: str, value: Any) -> None:
    Draft202012Validator(standard(schema(part))).validate(value)


def test_the_operator_asks_for_what_is_defined() -> None:
    spec = definition()["spec"]
    [version] = spec["versions"]
    assert f"{spec['group']}/{version['name']}" == MODEL_ROLLOUT.version
    assert (spec["names"]["plural"], spec["names"]["kind"]) == (MODEL_ROLLOUT.plural, MODEL_ROLLOUT.name)
    assert version["subresources"] == {"status": {}}
    assert spec["scope"] == "Namespaced"


def test_defaults_are_those_of_the_spec() -> None:
    least = {"inferenceService": "match-outcome"}
    assert defaulted(least, schema("spec")) == Spec.parse(least).to_dict()
    step = {**least, "steps": [{"weight": 7}], "shadow": {"rows": 9}}
    assert defaulted(step, schema("spec")) == Spec.parse(step).to_dict()
    without = {**least, "shadow": None}
    assert defaulted(without, schema("spec")) == Spec.parse(without).to_dict()


def test_names_are_those_of_the_spec() -> None:
    whole = Spec(inference_service="x").to_dict()
    known = schema("spec")["properties"]
    assert set(known) == set(whole)
    for part in ("shadow", "limits"):
        assert set(known[part]["properties"]) == set(whole[part])
    assert set(known["steps"]["items"]["properties"]) == set(whole["steps"][0])
    assert set(known["checks"]["items"]["properties"]) == set(CHECK.to_dict()["checks"][0])
    required = known["limits"]["properties"]["required"]
    assert required["items"]["enum"] == [*CHECK_NAMES] and required["maxItems"] == len(CHECK_NAMES)
    assert known["promotion"]["enum"] == [str(each) for each in PromotionPolicy]
    assert known["undecided"]["enum"] == [str(each) for each in UndecidedPolicy]


CHECK = Spec.parse({"inferenceService": "x", "checks": [{"name": "late", "query": "late", "limit": 1}]})


def test_a_check_has_the_same_defaults_in_both() -> None:
    asked = {"inferenceService": "x", "checks": [{"name": "late", "query": "late", "limit": 1}]}
    assert defaulted(asked, schema("spec")) == CHECK.to_dict()
    validate("spec", CHECK.to_dict())


WRONG = [
    {"checks": [{"name": "late", "limit": 1}]},
    {"checks": [{"name": "late", "query": "", "limit": 1}]},
    {"checks": [{"name": "Late", "query": "late", "limit": 1}]},
    {"checks": [{"name": "late", "query": "late"}]},
    {"checks": [{"name": "late", "query": "late", "limit": 1, "forSeconds": -1}]},
    {"inferenceService": ""},
    {"promotion": "Perhaps"},
    {"candidate": "a b"},
    {"shadow": {"rows": -1}},
    {"shadow": {"deadlineSeconds": 0}},
    {"shadow": {"mirror": 101}},
    {"steps": []},
    {"steps": [{"weight": 0}]},
    {"steps": [{"weight": 101}]},
    {"steps": [{}]},
    {"limits": {"errors": 0}},
    {"limits": {"errors": 1}},
    {"limits": {"latency": 0.5}},
    {"limits": {"minPairs": 1}},
    {"limits": {"required": ["luck"]}},
    {"limits": {"eror": 0.1}},
    {"readySeconds": 0},
    {"cooldownSeconds": -1},
    {"bakeSeconds": -1},
    {"step": []},
]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_what_the_spec_refuses_the_definition_refuses(wrong: dict[str, Any]) -> None:
    given = {"inferenceService": "x", **wrong}
    with pytest.raises(ValidationError):
        validate("spec", given)
    if wrong != {"candidate": "a b"}:
        with pytest.raises(SpecError):
            Spec.parse(given)


FULL = (
    "at 100 percent the champion gets no request to compare with; end with a smaller weight, such as 50: the promotion "
    "then gives the candidate every request"
)


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        ({"steps": [{"weight": 50}, {"weight": 20}]}, "weights must increase"),
        ({"steps": [{"weight": 20}, {"weight": 20}]}, "weights must increase"),
        ({"steps": [{"weight": 100}]}, FULL),
        ({"steps": [{"weight": 50}, {"weight": 100}]}, FULL),
        (
            {"steps": [{"weight": 5, "holdSeconds": 9, "deadlineSeconds": 9}]},
            "deadlineSeconds must be more than holdSeconds",
        ),
        (
            {"checks": [{"name": "late", "query": "a{{version}}", "total": "b{{version}}", "limit": 1}]},
            "limit is a share of what is counted, above 0 and below 1",
        ),
    ],
)
def test_what_takes_more_than_one_field_is_a_rule_of_the_definition(wrong: dict[str, Any], rule: str) -> None:
    steps = schema("spec")["properties"]["steps"]
    rules = [*steps["x-kubernetes-validations"], *steps["items"]["x-kubernetes-validations"]]
    rules += schema("spec")["properties"]["checks"]["items"]["x-kubernetes-validations"]
    assert rule in [each["message"] for each in rules]
    with pytest.raises(SpecError, match=re.escape(rule.split(":")[0]) if rule == FULL else None):
        Spec.parse({"inferenceService": "x", **wrong})


def test_what_runs_keeps_its_steps_and_its_service() -> None:
    [running] = schema()["x-kubernetes-validations"]
    for phase in Phase:
        quiet = phase in ENDED or phase is Phase.PENDING
        assert (f"'{phase}'" in running["rule"]) == quiet
    kept = set(re.findall(r"self\.spec\.(\w+) == oldSelf\.spec\.\1", running["rule"]))
    assert kept == {"steps", "candidate", "storageUri", "panel"}
    assert all(name in running["message"] for name in kept)
    for name in kept - {"steps"}:  # the rule reads them, so the API server has to fill them in
        assert "default" in schema("spec")["properties"][name], name
    assert approval_of_bake(running["message"]) == Commands(approved="1/bake")
    for name in ("inferenceService", "model"):
        [fixed] = schema("spec")["properties"][name]["x-kubernetes-validations"]
        assert fixed["rule"] == "self == oldSelf"


def approval_of_bake(message: str) -> Commands:
    """What the advice of a message comes to, for the first attempt of a rollout in its bake."""
    key, value = message.rpartition("annotation ")[2].replace("ATTEMPT", "1").split(": ")
    thing = {"metadata": {"annotations": {f"rollout.matchday.io/{key}": value}}, "spec": {}}
    return commands_of(thing)


def test_every_state_can_be_kept() -> None:
    nothing = Finding("errors", Verdict.WAIT, "too few", interval=(float("-inf"), 0.1)).to_dict()
    entry = HistoryEntry(time=1.5, phase=Phase.SHADOW, reason="ready", findings=(nothing,))
    for phase in Phase:
        for stage in (None, *PromotionStage):
            state = State(
                phase=phase, stage=stage, findings=(nothing,), history=(entry,), evidence="abc", verdict="wait"
            )
            validate("status", status_of(state, {"metadata": {"generation": 3}}, evidence_key="k"))
            validate("status", state.to_dict())  # as an earlier release has saved it


def test_a_field_that_a_state_has_and_the_definition_lacks_is_found() -> None:
    with pytest.raises(ValidationError):
        validate("status", {**status_of(State(), {"metadata": {}}), "mood": "good"})


def test_the_list_has_the_columns_that_people_read() -> None:
    [version] = definition()["spec"]["versions"]
    columns = [each["name"] for each in version["additionalPrinterColumns"] if not each.get("priority")]
    assert columns == ["Service", "Stable", "Candidate", "Phase", "Step", "Weight", "Verdict", "Paused", "Needs", "Age"]
    wide = [each["name"] for each in version["additionalPrinterColumns"] if each.get("priority")]
    assert wide == ["Model", "Waits", "Reason"]


DOCUMENT = Path(__file__).parents[2] / "docs" / "rollouts.md"


def test_the_sample_of_the_documentation_has_these_columns() -> None:
    """Its header is as kubectl prints it, and each row has its values below it."""
    [version] = definition()["spec"]["versions"]
    columns = version["additionalPrinterColumns"]
    shown = ["NAME", *(each["name"].upper() for each in columns if not each.get("priority"))]
    _, _, sample = DOCUMENT.read_text(encoding="utf-8").partition("$ kubectl get modelrollouts\n")
    header, *rows = sample.partition("\n\n")[0].splitlines()
    assert header.split() == shown and len(rows) == 3
    starts = [header.index(name) for name in shown]
    for row in rows:
        cells = [row[start:end].strip() for start, end in zip(starts, [*starts[1:], None], strict=True)]
        known = dict(zip(shown, cells, strict=True))
        assert known["PHASE"] in {str(phase) for phase in Phase} and known["WEIGHT"].isdigit()
        assert known["VERDICT"] in {str(verdict) for verdict in Verdict} and known["PAUSED"] in ("true", "false")
    wide = re.search(r"With `-o wide` there are also (.*?)\.\s", sample, re.DOTALL)
    assert wide and re.findall(r"\b[A-Z]{2,}\b", wide[1]) == [
        each["name"].upper() for each in columns if each.get("priority")
    ]


def test_the_columns_show_fields_that_a_status_has() -> None:
    [version] = definition()["spec"]["versions"]
    status = status_of(State(phase=Phase.PROGRESSING), {"metadata": {}})
    for column in version["additionalPrinterColumns"]:
        part, _, name = column["jsonPath"].removeprefix(".").partition(".")
        known = {"spec": Spec(inference_service="x").to_dict(), "status": status}.get(part, {name: ""})
        assert name in known, column


def test_limits_are_all_described() -> None:
    limits = schema("spec")["properties"]["limits"]["properties"]
    assert all(each["description"].endswith(".") for each in limits.values())
    assert set(limits) == set(JudgeLimits().to_dict())
