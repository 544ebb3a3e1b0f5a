"""Paired scores of two versions on the same matches."""

import numpy as np

from matchday.scores.outcome import FloatArray
from rollout.judge.harm import Harm
from rollout.judge.limits import Limits
from rollout.judge.paired import Width, mean_bounds


def worse(measure: str, differences: FloatArray, minimum: int, width: Width, limits: Limits, alpha: float) -> Harm:
    """Mean of canary's score minus stable's (n,), lower is better; what is not finite is left out."""
    finite = np.asarray(differences, float)
    finite = finite[np.isfinite(finite)]
    mean, interval = mean_bounds(finite, width, alpha, limits.missed)
    return Harm(
        measure=measure,
        n=len(finite),
        minimum=minimum,
        estimate=mean,
        interval=interval,
        limit=limits.skill,
        told=f"score {mean:+.4f} against stable on {len(finite)} matches",
        show=lambda score: f"{score:+.4f}",
        units="matches",
        margin=limits.skill_margin,
    )
