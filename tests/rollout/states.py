"""Specification, states and facts for tests of the state machine."""

from typing import Any

from rollout.evidence import Evidence
from rollout.facts import Facts
from rollout.spec import Spec
from rollout.splitter import Readiness
from rollout.state import Phase, State

NOW = 10_000.0
READY = Readiness(True)
DEFAULTS: dict[str, Any] = {
    "inferenceService": "match-outcome",
    "candidate": "2",
    "steps": [
        {"weight": 5, "holdSeconds": 60, "deadlineSeconds": 600},
        {"weight": 50, "holdSeconds": 60, "deadlineSeconds": 600},
    ],
    "promotion": "Automatic",
    "readySeconds": 300,
    "promotionSeconds": 120,
    "bakeSeconds": 0,
}


def spec(**more: Any) -> Spec:
    return Spec.parse(DEFAULTS | more)


def state(phase: Phase, **more: Any) -> State:
    known = {"stable_version": "1", "candidate_version": "2", "since": NOW - 100, "tick": NOW - 1}
    return State(phase=phase, **(known | more))


def at(step: int, **more: Any) -> State:
    return state(Phase.PROGRESSING, step=step, weight=(5, 50)[step], **more)


def facts(**more: Any) -> Facts:
    known: dict[str, Any] = {"now": NOW, "stable": "1", "candidate": "2", "readiness": READY, "done": True}
    if "evidence" not in more:
        more["evidence"] = Evidence(opened=NOW - 100)
    return Facts(**(known | more))
