"""How far two versions' numbers, such as points, are apart on the same rows."""

from collections.abc import Iterator
from functools import partial

import numpy as np

from matchday.scores.outcome import FloatArray
from serving.rollout.judge.divergence import crosstab, diverged, stability_index
from serving.rollout.judge.harm import Harm
from serving.rollout.judge.limits import Limits
from serving.rollout.judge.paired import WIDTH, mean_bounds, worst_shift

MEASURES = 3
BINS = 10
"""Between stable's deciles, for the stability index."""


def differences(stable: FloatArray, canary: FloatArray, limits: Limits, alpha: float) -> Iterator[Harm]:
    """Three harms from (1, n) numbers each, each with this alpha; in standard deviations of stable's."""
    n = stable.shape[1]
    harm = partial(Harm, n=n, minimum=limits.min_pairs, units="rows answered by both")
    spread = float(stable.std()) if n else 0.0
    moved = (canary - stable) / (spread or 1.0)
    distance, interval = mean_bounds(np.abs(moved[0]), WIDTH, alpha, limits.missed)
    yield harm(
        measure="distance",
        estimate=distance,
        interval=interval,
        limit=limits.points_distance,
        told=f"forecasts are {distance:.2f} standard deviations apart",
        show=_two,
    )
    _, shift, interval = worst_shift(moved, alpha, limits.missed)
    yield harm(
        measure="shift",
        estimate=abs(shift),
        interval=interval,
        limit=limits.points_shift,
        told=f"forecasts are {shift:+.2f} standard deviations higher in the mean",
        show=_two,
    )
    deciles = np.quantile(stable, np.arange(1, BINS) / BINS) if n else np.zeros(BINS - 1)
    before, now = (np.searchsorted(deciles, each[0]) for each in (stable, canary))
    value, interval = diverged(crosstab(before, now, BINS), stability_index, alpha, limits.missed)
    yield harm(
        measure="spread",
        estimate=value,
        interval=interval,
        limit=limits.spread,
        told=f"forecasts have a stability index of {value:.3f}",
        show=_two,
    )


def _two(harm: float) -> str:
    return f"{harm:.2f}"
