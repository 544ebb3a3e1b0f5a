"""Limits of the judge: how much worse a canary may be, and the least data for a verdict."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

from matchday.errors import MatchdayError
from rollout.judge.budget import CHECK_NAMES

RATIOS = ("latency",)
SHARES = ("errors", "incomplete", "degraded", "invalid", "distance", "shift", "favourites", "missed")
COUNTS = ("warm_requests",)
SAMPLES = ("min_requests", "min_pairs", "min_matches", "min_history")

MOST_MISSED = 0.4
"""Largest `missed`: the one-sided bound of a mean is not defined from 0.5 on."""


@dataclass(frozen=True)
class JudgeLimits:
    """The largest effect that is tolerated in each measure. Raises MatchdayError that names a value out of range.

    errors: rise of the share of requests without an answer (0.005: half a percentage point). incomplete, degraded: rise
    of the share of answers with a missing feature, and from features past their age. latency: ratio of the canary's
    p50, p95 and p99 to the stable version's. latency_floor: seconds; faster counts as this. invalid: share of answers
    that are no forecast. distance: mean total-variation distance between paired forecasts, 0 to 1. shift: change of a
    class's mean probability, 0 to 1. favourites: Jensen-Shannon divergence of which class is favoured, bits. spread:
    population stability index of a class's probabilities. points_distance, points_shift: mean absolute and mean signed
    difference of forecasts that are a number, in standard deviations of the stable version's. skill: mean paired score,
    canary minus stable. skill_margin: what a pass may leave open beyond that. min_requests, min_pairs, min_matches,
    min_history: least sample of each version. missed: chance of passing a check although the effect is beyond its
    limit. warm_requests: first requests of each server in a step that are judged by their errors, not by their
    durations. required: checks that are waited for when their data is absent.
    """

    errors: float = 0.005
    incomplete: float = 0.02
    degraded: float = 0.02
    latency: float = 1.25
    latency_floor: float = 0.001
    invalid: float = 0.01
    distance: float = 0.10
    shift: float = 0.05
    favourites: float = 0.05
    spread: float = 0.5
    points_distance: float = 0.5
    points_shift: float = 0.25
    skill: float = 0.0
    skill_margin: float = 0.002
    min_requests: int = 50
    min_pairs: int = 100
    min_matches: int = 30
    min_history: int = 100
    missed: float = 0.05
    warm_requests: int = 100
    required: tuple[str, ...] = ("errors", "latency", "predictions")

    def __post_init__(self) -> None:
        for each in fields(self):
            if each.name != "required":
                _validate(each.name, getattr(self, each.name))
        for name in self.required:
            if name not in CHECK_NAMES:
                raise MatchdayError(f"limits: required names {name!r}, which is no check: {', '.join(CHECK_NAMES)}")

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> Self:
        """From camelCase names, as a ModelRollout has them. Raises MatchdayError for an unknown name."""
        known = {_camel(each.name): each.name for each in fields(cls)}
        for name in given:
            if name not in known:
                raise MatchdayError(f"limits: {name!r} is no limit; there are {', '.join(known)}")
        values = {known[name]: value for name, value in given.items()}
        if "required" in values:
            values["required"] = _check_names(values["required"])
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """With camelCase names, as `from_dict` reads them."""
        values = {_camel(each.name): getattr(self, each.name) for each in fields(self)}
        return values | {"required": list(self.required)}


def _validate(name: str, value: Any) -> None:
    """Raises MatchdayError for a value that this field cannot have."""
    shown = f"limits: {_camel(name)} is {value!r}"
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise MatchdayError(f"{shown}, not a number")
    if name in SAMPLES and (not isinstance(value, int) or value < 2):
        raise MatchdayError(f"{shown}; a sample is a whole number from 2")
    if name in COUNTS and (not isinstance(value, int) or value < 0):
        raise MatchdayError(f"{shown}; a count is a whole number from 0")
    if name in SHARES and not 0 < value < 1:
        raise MatchdayError(f"{shown}; it is above 0 and below 1")
    if name == "missed" and value > MOST_MISSED:
        raise MatchdayError(f"{shown}; a chance above {MOST_MISSED:g} is no evidence")
    if name in RATIOS and value < 1:
        raise MatchdayError(f"{shown}; a ratio to stable is at least 1")
    if name not in (*COUNTS, *SAMPLES, *SHARES, *RATIOS) and value < 0:
        raise MatchdayError(f"{shown}; it is not negative")


def _check_names(given: Any) -> tuple[str, ...]:
    if not isinstance(given, list | tuple) or not all(isinstance(name, str) for name in given):
        raise MatchdayError(f"limits: required is {given!r}, not a list of checks")
    return tuple(given)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
