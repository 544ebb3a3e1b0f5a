"""Effect size of paired scores: two versions on the same matches."""

from collections.abc import Callable

import numpy as np

from rollout.judge.arrays import FloatArray
from rollout.judge.effect import Effect
from rollout.judge.limits import JudgeLimits

Bounds = Callable[[FloatArray, float, float], tuple[float, tuple[float, float]]]
"""From (n,) values, alpha of the lower and of the upper bound to the mean and its bounds."""


def score_effect(
    measure: str, differences: FloatArray, minimum: int, bounds: Bounds, limits: JudgeLimits, alpha: float
) -> Effect:
    """Mean of canary's score minus stable's, (n,), lower is better; values that are not finite are left out."""
    finite = np.asarray(differences, float)
    finite = finite[np.isfinite(finite)]
    mean, interval = bounds(finite, alpha, limits.missed)
    return Effect(
        measure=measure,
        n=len(finite),
        minimum=minimum,
        estimate=mean,
        interval=interval,
        limit=limits.skill,
        summary=f"score {mean:+.4f} against stable on {len(finite)} matches",
        render=lambda score: f"{score:+.4f}",
        units="matches",
        margin=limits.skill_margin,
    )
