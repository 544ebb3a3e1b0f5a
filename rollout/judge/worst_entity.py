"""Forecasts that are wrong for one entity, such as a team: the mean over all rows hides it."""

from collections.abc import Callable
from functools import partial

import numpy as np

from rollout.judge.arrays import FloatArray
from rollout.judge.betting import Span, lower_bound
from rollout.judge.effect import Effect
from rollout.judge.limits import JudgeLimits
from rollout.judge.paired_mean import ROWS_WIDTH, mean_bounds
from rollout.judge.pairs import Entities
from rollout.judge.sequential import rate_bounds

LEAST_ROWS = 20
"""Of an entity that is judged by itself: a team of twenty is in 38 of the 380 pairings."""

MOST_TURNED = 0.2
"""Share of an entity's rows in which another result may be favoured. Near ties turn when a model is trained again;
with home and away swapped most rows do."""

MEASURES = 2

LowerBound = Callable[[FloatArray, float], float]
"""From (n,) values of an entity's rows and alpha to a lower bound of their mean."""


def worst_by_classes(
    apart: FloatArray, turned: FloatArray, entities: Entities, limits: JudgeLimits, alpha: float
) -> list[Effect]:
    """Effects for the worst entity, of those measures in which it is beyond its limit.

    apart: (n,) total-variation distances. turned: (n,) 1 where another class is favoured, else 0. The effects can
    fail a canary and never hold it up. Every entity has the same part of alpha.
    """
    worst = partial(_worst, entities, alpha=alpha / MEASURES)
    text, bound = "forecasts of {} are {:.3f} apart (total variation)", partial(_bounded_mean_bound, at=limits.distance)
    distances = worst("distance", text, apart, limits.distance, bound)
    text = "another result is favoured in {1:.0%} of the rows of {0}"
    return distances + worst("favourite", text, turned, MOST_TURNED, _share_bound)


def worst_by_numbers(apart: FloatArray, entities: Entities, limits: JudgeLimits, alpha: float) -> list[Effect]:
    """The same for (n,) distances of numbers, in standard deviations of stable's."""
    text = "forecasts of {} are {:.2f} standard deviations apart"
    return _worst(entities, "distance", text, apart, limits.points_distance, _mean_bound, alpha)


def _mean_bound(values: FloatArray, alpha: float) -> float:
    return mean_bounds(values, ROWS_WIDTH, alpha, alpha)[1][0]


def _bounded_mean_bound(values: FloatArray, alpha: float, at: float) -> float:
    return lower_bound(values, Span(0.0, 1.0), alpha, at)


def _share_bound(values: FloatArray, alpha: float) -> float:
    return float(rate_bounds(values.sum(), len(values), alpha, 0.5, (1.0, 1.0))[0])


def _worst(
    entities: Entities,
    measure: str,
    summary: str,
    values: FloatArray,
    limit: float,
    bound: LowerBound,
    alpha: float,
) -> list[Effect]:
    """The effect of the entity with the largest mean of (n,) values, if that is beyond it. alpha: of all."""
    counts = entities.counts
    judged = int((counts >= LEAST_ROWS).sum())
    if not judged:
        return []
    means = np.where(counts >= LEAST_ROWS, entities.sums(values) / np.maximum(counts, 1), -np.inf)
    index = int(means.argmax())
    if means[index] <= limit:
        return []
    own = values[entities.rows(index)]
    return [
        Effect(
            n=len(own),
            minimum=LEAST_ROWS,
            estimate=float(means[index]),
            interval=(bound(own, alpha / judged), np.inf),
            limit=limit,
            summary=summary.format(entities.names[index], means[index]),
            render=lambda size: f"{size:.3f}",
            units="rows answered by both",
            measure=f"worst {measure}",
            guard=True,
        )
    ]
