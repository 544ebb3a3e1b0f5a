"""The health checks for Argo CD and Flux that docs/rollouts.md gives, on the status of every kind of rollout."""

import re
from pathlib import Path
from typing import Any

import lupa
import pytest
import yaml

from rollout.kubernetes.kinds import MODEL_ROLLOUT
from rollout.kubernetes.model_rollout import status_of
from rollout.state import Phase, State

PAGE = (Path(__file__).parents[3] / "docs" / "rollouts.md").read_text(encoding="utf-8")
SPEC = {"inferenceService": "match-outcome"}
CASES = [
    (State(), SPEC, "Progressing", "inProgress"),
    (State(phase=Phase.STARTING), SPEC, "Progressing", "inProgress"),
    (State(phase=Phase.PROGRESSING), SPEC, "Progressing", "inProgress"),
    (State(phase=Phase.PROGRESSING, gate="1/20"), SPEC, "Suspended", "current"),
    (State(phase=Phase.PROGRESSING, paused=True), SPEC, "Suspended", "inProgress"),
    (State(phase=Phase.PROMOTING), SPEC, "Progressing", "inProgress"),
    (State(phase=Phase.ROLLING_BACK), SPEC, "Progressing", "inProgress"),
    (State(phase=Phase.ROLLING_BACK, stalled=True, problem="no route"), SPEC, "Degraded", "failed"),
    (State(phase=Phase.PROMOTED), SPEC, "Healthy", "current"),
    (State(phase=Phase.BAKING), SPEC, "Healthy", "current"),
    (State(phase=Phase.ROLLED_BACK, reason="errors"), SPEC, "Degraded", "failed"),
    (State(phase=Phase.REFUSED, reason="no version 9"), SPEC, "Degraded", "failed"),
    (State(phase=Phase.PROGRESSING), {**SPEC, "promotion": "Perhaps"}, "Degraded", "failed"),
]


def snippet(language: str, having: str) -> str:
    """The one block of the page in this language that has this text."""
    [found] = [block for block in re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL) if having in block]
    return str(found)


def resource(state: State, spec: dict[str, Any]) -> dict[str, Any]:
    thing: dict[str, Any] = {"metadata": {"generation": 3}, "spec": spec}
    return {**thing, "status": status_of(state, thing)}


def argo_health(thing: dict[str, Any]) -> dict[str, str]:
    """What Argo CD makes of a resource: the script sees it as `obj`."""
    lua = lupa.LuaRuntime()
    lua.globals().obj = lua.table_from(thing, recursive=True)
    return dict(lua.execute(snippet("lua", "obj.status")))


def flux_health(thing: dict[str, Any]) -> str:
    """What Flux makes of it: `exists` over conditions, joined by `||`; what is neither is in progress."""
    [check] = yaml.safe_load(snippet("yaml", "healthCheckExprs"))["spec"]["healthCheckExprs"]
    assert (check["apiVersion"], check["kind"]) == (MODEL_ROLLOUT.version, MODEL_ROLLOUT.name)
    found = {(each["type"], each["status"]) for each in thing["status"]["conditions"]}
    term = r"status\.conditions\.exists\(e, e\.type == '(\w+)' && e\.status == '(\w+)'\)"
    assert all(re.fullmatch(rf"{term}( \|\| {term})*", check[name]) for name in ("failed", "current"))
    health = [name for name in ("failed", "current") if any(pair in found for pair in re.findall(term, check[name]))]
    assert len(health) < 2, "which of the two comes first would matter"
    return health[0] if health else "inProgress"


@pytest.mark.parametrize(("state", "spec", "argo", "flux"), CASES)
def test_every_rollout_has_the_health_that_it_should(state: State, spec: dict[str, Any], argo: str, flux: str) -> None:
    thing = resource(state, spec)
    assert argo_health(thing)["status"] == argo
    assert flux_health(thing) == flux


def test_argo_shows_why() -> None:
    assert argo_health(resource(State(phase=Phase.ROLLED_BACK, reason="errors rose"), SPEC))["message"] == "errors rose"


def test_argo_waits_for_an_operator_that_has_not_seen_the_resource() -> None:
    fresh = {"metadata": {"generation": 1}, "spec": SPEC}
    edited = resource(State(phase=Phase.PROMOTED), SPEC) | {"metadata": {"generation": 4}}
    assert argo_health(fresh)["status"] == argo_health(edited)["status"] == "Progressing"
