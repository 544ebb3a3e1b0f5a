"""How far two versions' class probabilities are apart on the same rows."""

from collections.abc import Iterator
from functools import partial

import numpy as np

from matchday.scores.outcome import FloatArray
from serving.rollout.judge.divergence import crosstab, diverged, jensen_shannon, stability_index
from serving.rollout.judge.harm import Harm
from serving.rollout.judge.limits import Limits
from serving.rollout.judge.paired import WIDTH, mean_bounds, worst_shift

MEASURES = 4
BINS = 10
"""Of equal width, for the stability index of a class's probabilities."""

RESULTS = ("home", "draw", "away")


def differences(stable: FloatArray, canary: FloatArray, limits: Limits, alpha: float) -> Iterator[Harm]:
    """Four harms from (k, n) probabilities each, each with this alpha."""
    classes, n = stable.shape
    names = RESULTS if classes == len(RESULTS) else tuple(f"class {index}" for index in range(classes))
    harm = partial(Harm, n=n, minimum=limits.min_pairs, units="rows answered by both")
    moved = canary - stable
    distance, interval = mean_bounds(np.abs(moved).sum(axis=0) / 2, WIDTH, alpha, limits.missed)
    yield harm(
        measure="distance",
        estimate=distance,
        interval=interval,
        limit=limits.distance,
        told=f"forecasts are {distance:.3f} apart (total variation)",
        show=_three,
    )
    where, shift, interval = worst_shift(moved, alpha, limits.missed)
    yield harm(
        measure="shift",
        estimate=abs(shift),
        interval=interval,
        limit=limits.shift,
        told=f"{names[where]} has {shift:+.3f} of probability in the mean",
        show=_three,
    )
    favoured = crosstab(stable.argmax(axis=0), canary.argmax(axis=0), classes)
    value, interval = diverged(favoured, jensen_shannon, alpha, limits.missed)
    yield harm(
        measure="favourites",
        estimate=value,
        interval=interval,
        limit=limits.favourites,
        told=f"which result is favoured diverges by {value:.3f} bits (Jensen-Shannon)",
        show=_three,
    )
    bins = [np.clip(each * BINS, 0, BINS - 1).astype(np.intp) for each in (stable, canary)]
    spreads = [
        diverged(crosstab(bins[0][k], bins[1][k], BINS), stability_index, alpha / classes, limits.missed)
        for k in range(classes)
    ]
    where = max(range(classes), key=lambda k: spreads[k][1])
    value, interval = spreads[where]
    yield harm(
        measure="spread",
        estimate=value,
        interval=interval,
        limit=limits.spread,
        told=f"probabilities of {names[where]} have a stability index of {value:.3f}",
        show=_three,
    )


def _three(harm: float) -> str:
    return f"{harm:.3f}"
