"""How far two versions' numbers, such as points, are apart on the same rows."""

from functools import partial

import numpy as np

from matchday.scores.outcome import FloatArray
from rollout.judge.divergence import Table, crosstab, diverged, stability_index
from rollout.judge.harm import Harm
from rollout.judge.limits import Limits
from rollout.judge.paired import WIDTH, mean_bounds, worst_shift

MEASURES = 3
BINS = 10
"""Between stable's deciles, for the stability index."""


def differences(stable: FloatArray, canary: FloatArray, limits: Limits, alpha: float) -> list[Harm]:
    """Three harms from (1, n) numbers each, each with this alpha; in standard deviations of stable's."""
    n = stable.shape[1]
    harm = partial(Harm, n=n, minimum=limits.min_pairs, units="rows answered by both", show=lambda size: f"{size:.2f}")
    moved = (canary - stable) / ((float(stable.std()) if n else 0.0) or 1.0)
    distance, around = mean_bounds(np.abs(moved[0]), WIDTH, alpha, limits.missed)
    _, shift, shifted = worst_shift(moved, alpha, limits.missed)
    index, spread = diverged(_in_deciles(stable[0], canary[0]), stability_index, alpha, limits.missed)
    return [
        harm(
            measure="distance",
            estimate=distance,
            interval=around,
            limit=limits.points_distance,
            told=f"forecasts are {distance:.2f} standard deviations apart",
        ),
        harm(
            measure="shift",
            estimate=abs(shift),
            interval=shifted,
            limit=limits.points_shift,
            told=f"forecasts are {shift:+.2f} standard deviations higher in the mean",
        ),
        harm(
            measure="spread",
            estimate=index,
            interval=spread,
            limit=limits.spread,
            told=f"forecasts have a stability index of {index:.2f}",
        ),
    ]


def _in_deciles(stable: FloatArray, canary: FloatArray) -> Table:
    """Rows by the decile of stable's numbers that each version's is in."""
    cuts = np.quantile(stable, np.arange(1, BINS) / BINS) if len(stable) else np.zeros(BINS - 1)
    return crosstab(np.searchsorted(cuts, stable), np.searchsorted(cuts, canary), BINS)
