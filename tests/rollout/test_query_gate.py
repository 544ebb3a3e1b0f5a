"""PromQL gates of a specification: what is refused, and what placeholders become."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from rollout.feasibility import find_impossible
from rollout.query_gate import QueryError, fill
from rollout.spec import Spec, SpecError

DOCS = Path(__file__).resolve().parents[2] / "docs"
RATE = {"name": "late", "query": 'late{v="{{version}}"}', "total": 'all{v="{{version}}"}', "limit": 0.01}
NUMBER = {"name": "queue", "query": 'queue{v="{{candidate}}"} - queue{v="{{stable}}"}', "limit": 5}


def parse(*checks: dict[str, Any]) -> Spec:
    return Spec.parse({"inferenceService": "match-outcome", "checks": checks})


def test_both_kinds_are_read_and_written() -> None:
    spec = parse(RATE, NUMBER)
    assert Spec.parse(spec.to_dict()) == spec
    assert [check.total != "" for check in spec.checks] == [True, False]


@pytest.mark.parametrize(
    ("check", "reason"),
    [
        (RATE | {"name": "errors"}, "errors is a check of the judge's own"),
        (RATE | {"name": "A b"}, r"checks\.0\.name"),
        (RATE | {"limit": 1.0}, "above 0 and below 1"),
        (RATE | {"limit": 0}, "above 0 and below 1"),
        (RATE | {"query": "late"}, "both queries need"),
        (RATE | {"total": "all"}, "both queries need"),
        (RATE | {"query": 'late{v="{{candidate}}"}'}, re.escape("{{candidate}} is not replaced here")),
        (NUMBER | {"query": 'queue{v="{{version}}"}'}, re.escape("{{version}} is not replaced here")),
        (NUMBER | {"query": 'queue{v="{{ champion }}"}'}, re.escape("{{champion}} is not replaced here")),
        (NUMBER | {"limit": float("nan")}, r"checks\.0\.limit"),
        (NUMBER | {"limit": float("inf")}, r"checks\.0\.limit"),
        (NUMBER | {"forSeconds": -1}, "forSeconds"),
        (NUMBER | {"query": ""}, "query"),
        (NUMBER | {"unit": "s"}, "unit"),
    ],
)
def test_what_cannot_be_asked_is_refused(check: dict[str, Any], reason: str) -> None:
    with pytest.raises(SpecError, match=reason):
        parse(check)


def test_two_checks_of_one_name_are_refused() -> None:
    with pytest.raises(SpecError, match="late is there twice"):
        parse(RATE, RATE)


def test_values_replace_placeholders_wherever_they_stand() -> None:
    assert fill("a{v=\"{{version}}\"} / b{v='{{ version }}'}", {"version": "12"}) == "a{v=\"12\"} / b{v='12'}"
    assert fill('a{b="c"}', {}) == 'a{b="c"}'


def test_servers_become_a_pattern_that_matches_each_of_them_and_nothing_else() -> None:
    servers = ["10.0.0.1:8080", "[fd00::1]:8080"]
    [pattern] = re.findall('"(.*)"', fill('a{instance=~"{{servers}}"}', {"servers": servers}))
    assert "\\" not in pattern
    pattern = pattern.replace("[[]", r"\[")  # Python warns of what RE2 takes
    assert all(re.fullmatch(pattern, server) for server in servers)
    for other in ("10.0.0.12:8080", "10a0.0.1:8080", "", "fd00::1:8080"):
        assert not re.fullmatch(pattern, other)


@pytest.mark.parametrize("value", ['1"} or vector(0) #', "1'", "1`", "1\\", "1\n", "1}", "", ["10.0.0.1", 'a"b'], []])
def test_a_value_that_might_leave_its_quotes_is_refused(value: str | Sequence[str]) -> None:
    with pytest.raises(QueryError, match="cannot be replaced"):
        fill('a{v="{{version}}"}', {"version": value})


EXAMPLES = [
    block
    for page in ("rollouts.md", "other-servers.md")
    for block in re.findall(r"^```yaml\n(.*?)^```", (DOCS / page).read_text(), re.MULTILINE | re.DOTALL)
    if "checks:" in block or "storageUri:" in block
]


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_of_the_documentation_can_be_carried_out(example: str) -> None:
    spec = Spec.parse({"inferenceService": "match-outcome", **yaml.safe_load(example)["spec"]})
    assert find_impossible(spec) == ""
    assert spec.checks or spec.storage_uri


def test_both_kinds_of_example_are_there() -> None:
    assert len(EXAMPLES) == 2
