"""Effect sizes of forecasts that are a probability for each class."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from rollout.judge.arrays import FloatArray
from rollout.judge.betting import Span
from rollout.judge.divergence import (
    Crosstab,
    crosstab,
    divergence_bounds,
    favoured_class,
    in_deciles,
    jensen_shannon,
    stability_index,
)
from rollout.judge.effect import Effect
from rollout.judge.limits import JudgeLimits
from rollout.judge.paired_mean import bounded_mean_bounds, bounded_shift, largest_shift
from rollout.judge.pairs import Entities
from rollout.judge.worst_entity import worst_by_classes

MEASURES = 5
MakeEffect = Callable[..., Effect]
"""Makes an effect of these rows from its own fields."""


def compare_classes(
    stable: FloatArray,
    canary: FloatArray,
    entities: Entities,
    classes: Sequence[str],
    limits: JudgeLimits,
    alpha: float,
) -> list[Effect]:
    """Effects of (k, n) probabilities of each version, each with this alpha.

    entities: of the rows; the worst of them is asked too. classes: names, k of them or none.
    """
    count, n = stable.shape
    names = tuple(classes) if len(classes) == count else tuple(f"class {index}" for index in range(count))
    effect = partial(
        Effect, n=n, minimum=limits.min_pairs, units="rows answered by both", render=lambda size: f"{size:.3f}"
    )
    moved = canary - stable
    apart, before, now = np.abs(moved).sum(axis=0) / 2, favoured_class(stable), favoured_class(canary)
    return [
        _distance(effect, apart, limits, alpha),
        _shift(effect, moved, names, limits, alpha),
        _favourites(effect, crosstab(before, now, count), limits, alpha),
        _spread(effect, stable, canary, names, limits, alpha),
        *worst_by_classes(apart, (before != now).astype(float), entities, limits, alpha),
    ]


def _distance(effect: MakeEffect, apart: FloatArray, limits: JudgeLimits, alpha: float) -> Effect:
    limit = limits.distance
    distance, interval = bounded_mean_bounds(apart, Span(0.0, 1.0), limit, limit, alpha, limits.missed)
    summary = f"forecasts are {distance:.3f} apart (total variation)"
    return effect(measure="distance", estimate=distance, interval=interval, limit=limit, summary=summary)


def _shift(effect: MakeEffect, moved: FloatArray, names: Sequence[str], limits: JudgeLimits, alpha: float) -> Effect:
    size = partial(bounded_shift, span=Span(-1.0, 1.0), limit=limits.shift, missed=limits.missed)
    index, shift, interval = largest_shift(moved, lambda values, part: size(values, alpha=part), alpha)
    summary = f"{names[index]} has {shift:+.3f} of probability in the mean"
    return effect(measure="shift", estimate=abs(shift), interval=interval, limit=limits.shift, summary=summary)


def _favourites(effect: MakeEffect, favoured: Crosstab, limits: JudgeLimits, alpha: float) -> Effect:
    value, interval = divergence_bounds(favoured, jensen_shannon, alpha, limits.missed)
    summary = f"which result is favoured diverges by {value:.3f} bits (Jensen-Shannon)"
    return effect(measure="favourites", estimate=value, interval=interval, limit=limits.favourites, summary=summary)


def _spread(
    effect: MakeEffect,
    stable: FloatArray,
    canary: FloatArray,
    names: Sequence[str],
    limits: JudgeLimits,
    alpha: float,
) -> Effect:
    """Stability index of the class whose shape differs most; the upper bound is the largest of all classes."""
    spreads = [
        divergence_bounds(in_deciles(*both, limits.min_pairs), stability_index, alpha / len(names), limits.missed)
        for both in zip(stable, canary, strict=True)
    ]
    index = max(range(len(names)), key=lambda k: spreads[k][1])
    value, (low, _) = spreads[index]
    interval = (low, max(high for _, (_, high) in spreads))
    summary = f"probabilities of {names[index]} have another shape, a stability index of {value:.3f}"
    n = max(0, stable.shape[1] - limits.min_pairs)
    return effect(n=n, measure="spread", estimate=value, interval=interval, limit=limits.spread, summary=summary)
