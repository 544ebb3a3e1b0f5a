"""Specifications and scenarios of rollouts in the in-memory world."""

from rollout.spec import Spec
from tests.rollout.fakes import World

GIVEN = {
    "inferenceService": "match-outcome",
    "candidate": "2",
    "steps": [{"weight": 5, "holdSeconds": 15}, {"weight": 50, "holdSeconds": 15}],
    "promotion": "Automatic",
    "shadow": {"rows": 40, "historyWeeks": 0},
    "readySeconds": 300,
    "promotionSeconds": 25,
}
SPEC = Spec.parse(GIVEN)


def good(world: World) -> None:
    """Nothing is wrong."""


def erring(world: World) -> None:
    """The candidate fails requests."""
    world.errors["2"] = 0.2


def never_ready(world: World) -> None:
    world.ready, world.permanent = False, True


def alias_fails(world: World) -> None:
    world.faults.add("alias")


def service_fails(world: World) -> None:
    world.faults.add("promote")
