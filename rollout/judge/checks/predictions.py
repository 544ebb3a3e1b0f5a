"""Check `predictions`: invalid or very different forecasts of the same rows."""

import numpy as np
from numpy.typing import NDArray

from rollout.judge import class_forecasts, number_forecasts
from rollout.judge.arrays import FloatArray
from rollout.judge.check import check
from rollout.judge.effect import Effect
from rollout.judge.limits import JudgeLimits
from rollout.judge.observation import Observation
from rollout.judge.sequential import rate_bounds

TOLERANCE = 1e-3
"""Largest distance of 32-bit probabilities from [0, 1], and of their sum from 1."""

INVALID_PRIOR = (0.5, 200.0)
"""Beta prior of a rate that should be zero: 360 valid rows are enough to pass a limit of 0.01."""


@check("predictions")
def predictions(observation: Observation, limits: JudgeLimits, alpha: float) -> list[Effect] | None:
    """On rows with a valid forecast of stable: the share without one of the canary, and how far the others differ.

    Over all rows, and for the entity that is worst off.
    """
    if observation.pairs is None:
        return None
    pairs = observation.pairs
    stable, canary = (np.ascontiguousarray(np.transpose(each), float) for each in (pairs.stable, pairs.canary))
    answered_by_stable = valid(stable)
    stable, canary = _select(stable, answered_by_stable), _select(canary, answered_by_stable)
    answered = valid(canary)
    entities = pairs.entities.select(answered_by_stable).select(answered)
    both = (_select(stable, answered), _select(canary, answered))
    if len(stable) == 1:
        share = alpha / (1 + number_forecasts.MEASURES)
        others = number_forecasts.compare_numbers(*both, entities, limits, share)
    else:
        share = alpha / (1 + class_forecasts.MEASURES)
        others = class_forecasts.compare_classes(*both, entities, observation.classes, limits, share)
    return [_invalid_effect(len(answered), int((~answered).sum()), limits, share), *others]


def valid(forecasts: FloatArray) -> NDArray[np.bool_]:
    """(n,) whether a column of (k, n) is a forecast: finite, and for several classes within [0, 1] with sum 1."""
    with np.errstate(invalid="ignore", over="ignore"):
        total = forecasts.sum(axis=0)
        if len(forecasts) == 1:
            return np.asarray(np.isfinite(total))
        whole = np.abs(total - 1) <= TOLERANCE
        if forecasts.size and forecasts.min() >= -TOLERANCE and forecasts.max() <= 1 + TOLERANCE:
            return np.asarray(whole)  # of most versions every forecast is valid
        inside = (forecasts.min(axis=0) >= -TOLERANCE) & (forecasts.max(axis=0) <= 1 + TOLERANCE)
        return np.asarray(inside & whole)


def _select(forecasts: FloatArray, wanted: NDArray[np.bool_]) -> FloatArray:
    return forecasts if wanted.all() else forecasts[:, wanted]


def _invalid_effect(n: int, hits: int, limits: JudgeLimits, alpha: float) -> Effect:
    rate = hits / n if n else 0.0
    low, high = rate_bounds(hits, n, alpha, limits.missed, INVALID_PRIOR) if n else (0.0, 1.0)
    return Effect(
        measure="invalid",
        n=n,
        minimum=limits.min_pairs,
        estimate=rate,
        interval=(float(low), float(high)),
        limit=limits.invalid,
        summary=f"{hits} of {n} answers are no forecast",
        render=lambda share: f"{share:.2%}",
        units="rows answered by both",
    )
