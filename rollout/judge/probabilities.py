"""How far two versions' class probabilities are apart on the same rows."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from matchday.scores.outcome import FloatArray
from rollout.judge.divergence import crosstab, diverged, jensen_shannon, stability_index
from rollout.judge.harm import Harm
from rollout.judge.limits import Limits
from rollout.judge.paired import WIDTH, mean_bounds, worst_shift

MEASURES = 4
BINS = 10
"""Of equal width, for the stability index of a class's probabilities."""

RESULTS = ("home", "draw", "away")

Made = Callable[..., Harm]
"""A harm of these rows, from what is its own."""


def differences(stable: FloatArray, canary: FloatArray, limits: Limits, alpha: float) -> list[Harm]:
    """Four harms from (k, n) probabilities each, each with this alpha."""
    classes, n = stable.shape
    names = RESULTS if classes == len(RESULTS) else tuple(f"class {index}" for index in range(classes))
    harm = partial(Harm, n=n, minimum=limits.min_pairs, units="rows answered by both", show=lambda size: f"{size:.3f}")
    return [
        _distance(harm, canary - stable, limits, alpha),
        _shift(harm, canary - stable, names, limits, alpha),
        _favourites(harm, stable, canary, limits, alpha),
        _spread(harm, stable, canary, names, limits, alpha),
    ]


def _distance(harm: Made, moved: FloatArray, limits: Limits, alpha: float) -> Harm:
    distance, interval = mean_bounds(np.abs(moved).sum(axis=0) / 2, WIDTH, alpha, limits.missed)
    told = f"forecasts are {distance:.3f} apart (total variation)"
    return harm(measure="distance", estimate=distance, interval=interval, limit=limits.distance, told=told)


def _shift(harm: Made, moved: FloatArray, names: Sequence[str], limits: Limits, alpha: float) -> Harm:
    where, shift, interval = worst_shift(moved, alpha, limits.missed)
    told = f"{names[where]} has {shift:+.3f} of probability in the mean"
    return harm(measure="shift", estimate=abs(shift), interval=interval, limit=limits.shift, told=told)


def _favourites(harm: Made, stable: FloatArray, canary: FloatArray, limits: Limits, alpha: float) -> Harm:
    favoured = crosstab(stable.argmax(axis=0), canary.argmax(axis=0), len(stable))
    value, interval = diverged(favoured, jensen_shannon, alpha, limits.missed)
    told = f"which result is favoured diverges by {value:.3f} bits (Jensen-Shannon)"
    return harm(measure="favourites", estimate=value, interval=interval, limit=limits.favourites, told=told)


def _spread(
    harm: Made, stable: FloatArray, canary: FloatArray, names: Sequence[str], limits: Limits, alpha: float
) -> Harm:
    """Of the class whose probabilities are spread most differently; the upper bound is of all of them."""
    before, now = (np.clip(each * BINS, 0, BINS - 1).astype(np.intp) for each in (stable, canary))
    spreads = [
        diverged(crosstab(*binned, BINS), stability_index, alpha / len(names), limits.missed)
        for binned in zip(before, now, strict=True)
    ]
    where = max(range(len(names)), key=lambda k: spreads[k][1])
    value, (low, _) = spreads[where]
    interval = (low, max(high for _, (_, high) in spreads))
    told = f"probabilities of {names[where]} have a stability index of {value:.3f}"
    return harm(measure="spread", estimate=value, interval=interval, limit=limits.spread, told=told)
