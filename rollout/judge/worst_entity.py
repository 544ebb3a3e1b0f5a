"""Forecasts that are wrong for one entity, such as a team: the mean over all rows hides it."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from rollout.judge.arrays import FloatArray
from rollout.judge.betting import Span, lower_bound
from rollout.judge.effect import Effect
from rollout.judge.limits import JudgeLimits
from rollout.judge.paired_mean import ROWS_WIDTH, mean_bounds
from rollout.judge.sequential import rate_bounds

LEAST_ROWS = 20
"""Of an entity that is judged by itself: a team of twenty is in 38 of the 380 pairings."""

MOST_TURNED = 0.3
"""Share of an entity's rows in which another result may be favoured. Near ties turn when a model is trained again;
with home and away swapped most rows do."""

MEASURES = 2

Rows = NDArray[np.intp]
LowerBound = Callable[[FloatArray, float], float]
"""From (n,) values of an entity's rows and alpha to a lower bound of their mean."""


def worst_entities(
    stable: FloatArray, canary: FloatArray, entities: Sequence[Sequence[str]], limits: JudgeLimits, alpha: float
) -> list[Effect]:
    """Effects of (k, n) forecasts for the worst entity, of those measures in which it is beyond its limit.

    They can fail a canary and never hold it up. Every entity has the same part of alpha.
    """
    rows = _rows_by_entity(entities)
    if not rows:
        return []
    part = alpha / (MEASURES * len(rows))
    moved = canary - stable
    if len(stable) == 1:
        far, limit = np.abs(moved[0]) / (float(stable.std()) or 1.0), limits.points_distance
        bound: LowerBound = lambda values, share: mean_bounds(values, ROWS_WIDTH, share, limits.missed)[1][0]  # noqa: E731
        return _worst("distance", "forecasts of {} are {:.2f} standard deviations apart", far, rows, limit, bound, part)
    turned = (stable.argmax(axis=0) != canary.argmax(axis=0)).astype(float)
    return [
        *_worst(
            "distance",
            "forecasts of {} are {:.3f} apart (total variation)",
            np.abs(moved).sum(axis=0) / 2,
            rows,
            limits.distance,
            lambda values, share: lower_bound(values, Span(0.0, 1.0), share, limits.distance),
            part,
        ),
        *_worst(
            "favourite",
            "another result is favoured in {1:.0%} of the rows of {0}",
            turned,
            rows,
            MOST_TURNED,
            _share_bound,
            part,
        ),
    ]


def _share_bound(values: FloatArray, alpha: float) -> float:
    return float(rate_bounds(values.sum(), len(values), alpha, 0.5, (1.0, 1.0))[0])


def _worst(
    measure: str,
    summary: str,
    values: FloatArray,
    rows: dict[str, Rows],
    limit: float,
    bound: LowerBound,
    alpha: float,
) -> list[Effect]:
    """The effect of the entity with the largest mean of (n,) values, if that is beyond the limit."""
    means = {name: float(values[own].mean()) for name, own in rows.items()}
    name = max(means, key=lambda each: means[each])
    if means[name] <= limit:
        return []
    return [
        Effect(
            n=len(rows[name]),
            minimum=LEAST_ROWS,
            estimate=means[name],
            interval=(bound(values[rows[name]], alpha), np.inf),
            limit=limit,
            summary=summary.format(name, means[name]),
            render=lambda size: f"{size:.3f}",
            units="rows answered by both",
            measure=f"worst {measure}",
            guard=True,
        )
    ]


def _rows_by_entity(entities: Sequence[Sequence[str]]) -> dict[str, Rows]:
    """Indexes of the rows of each entity that has enough of them."""
    found: dict[str, list[int]] = {}
    for index, names in enumerate(entities):
        for name in dict.fromkeys(names):
            found.setdefault(name, []).append(index)
    return {name: np.array(own) for name, own in found.items() if len(own) >= LEAST_ROWS}
