"""Effect sizes of forecasts that are one number a row, such as goals."""

from functools import partial

import numpy as np

from rollout.judge.arrays import FloatArray
from rollout.judge.divergence import divergence_bounds, in_deciles, stability_index
from rollout.judge.effect import Effect
from rollout.judge.limits import JudgeLimits
from rollout.judge.paired_mean import ROWS_WIDTH, asymptotic_shift, largest_shift, mean_bounds
from rollout.judge.pairs import Entities
from rollout.judge.worst_entity import worst_by_numbers

MEASURES = 4


def compare_numbers(
    stable: FloatArray, canary: FloatArray, entities: Entities, limits: JudgeLimits, alpha: float
) -> list[Effect]:
    """Effects of (1, n) numbers of each version, each with this alpha; in standard deviations of stable's.

    entities: of the rows; the worst of them is asked too.
    """
    n = stable.shape[1]
    effect = partial(
        Effect, n=n, minimum=limits.min_pairs, units="rows answered by both", render=lambda size: f"{size:.2f}"
    )
    moved = (canary - stable) / ((float(stable.std()) if n else 0.0) or 1.0)
    apart = np.abs(moved[0])
    distance, around = mean_bounds(apart, ROWS_WIDTH, alpha, limits.missed)
    _, shift, shifted = largest_shift(moved, partial(asymptotic_shift, missed=limits.missed), alpha)
    index, spread = divergence_bounds(
        in_deciles(stable[0], canary[0], limits.min_pairs), stability_index, alpha, limits.missed
    )
    return [
        effect(
            measure="distance",
            estimate=distance,
            interval=around,
            limit=limits.points_distance,
            summary=f"forecasts are {distance:.2f} standard deviations apart",
        ),
        effect(
            measure="shift",
            estimate=abs(shift),
            interval=shifted,
            limit=limits.points_shift,
            summary=f"forecasts are {shift:+.2f} standard deviations higher in the mean",
        ),
        effect(
            n=max(0, n - limits.min_pairs),
            measure="spread",
            estimate=index,
            interval=spread,
            limit=limits.spread,
            summary=f"forecasts have another shape, a stability index of {index:.2f}",
        ),
        *worst_by_numbers(apart, entities, limits, alpha),
    ]
