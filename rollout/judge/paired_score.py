"""Effect size of paired scores: two versions on the same matches."""

import numpy as np

from rollout.judge.arrays import FloatArray
from rollout.judge.effect import Effect
from rollout.judge.limits import JudgeLimits
from rollout.judge.paired_mean import Width, mean_bounds


def score_effect(
    measure: str, differences: FloatArray, minimum: int, width: Width, limits: JudgeLimits, alpha: float
) -> Effect:
    """Mean of canary's score minus stable's, (n,), lower is better; values that are not finite are left out."""
    finite = np.asarray(differences, float)
    finite = finite[np.isfinite(finite)]
    mean, interval = mean_bounds(finite, width, alpha, limits.missed)
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
