"""Specifications and scenarios of rollouts in the in-memory world."""

from rollout.spec import Spec
from tests.rollout.fakes import RolloutWorld

GIVEN = {
    "inferenceService": "match-outcome",
    "candidate": "2",
    "steps": [{"weight": 5, "holdSeconds": 15}, {"weight": 50, "holdSeconds": 15}],
    "promotion": "Automatic",
    "shadow": {"rows": 400, "historyWeeks": 0},
    "readySeconds": 300,
    "promotionSeconds": 25,
    "bakeSeconds": 0,
}
SPEC = Spec.parse(GIVEN)


def good(world: RolloutWorld) -> None:
    """Nothing is wrong."""


def erring(world: RolloutWorld) -> None:
    """The candidate fails requests."""
    world.errors["2"] = 0.2


def never_ready(world: RolloutWorld) -> None:
    world.ready, world.permanent = False, True


def alias_fails(world: RolloutWorld) -> None:
    world.faults.add("alias")


def service_fails(world: RolloutWorld) -> None:
    world.faults.add("promote")
