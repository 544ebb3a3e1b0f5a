"""Does it say something implausible, or something very different, on the same rows?"""

import numpy as np
from numpy.typing import NDArray

from matchday.scores.outcome import FloatArray
from rollout.judge import numbers, probabilities
from rollout.judge.harm import Harm
from rollout.judge.limits import Limits
from rollout.judge.observation import Observation
from rollout.judge.registry import check
from rollout.judge.sequential import rate_bounds

TOLERANCE = 1e-3
"""How far a row of 32-bit probabilities may be from [0, 1] and from a sum of 1."""

NEVER = (0.5, 200.0)
"""Beta prior of a rate that should be nothing: 360 rows without a hit are enough for a limit of 0.01."""


@check("predictions")
def predictions(observation: Observation, limits: Limits, alpha: float) -> list[Harm] | None:
    """On rows that stable has answered with a forecast: whether the canary does, and how far it is from stable's."""
    if observation.pairs is None:
        return None
    pairs = observation.pairs
    stable, canary = (np.ascontiguousarray(np.transpose(each), float) for each in (pairs.stable, pairs.canary))
    asked = valid(stable)
    stable, canary = _keep(stable, asked), _keep(canary, asked)
    answered = valid(canary)
    kind = probabilities if len(stable) > 1 else numbers
    share = alpha / (1 + kind.MEASURES)
    return [
        _invalid(len(answered), int((~answered).sum()), limits, share),
        *kind.differences(_keep(stable, answered), _keep(canary, answered), limits, share),
    ]


def valid(forecasts: FloatArray) -> NDArray[np.bool_]:
    """(n,) whether a column (k, n) is a forecast: finite, and for several classes within [0, 1] with sum 1."""
    with np.errstate(invalid="ignore", over="ignore"):
        total = forecasts.sum(axis=0)
        if len(forecasts) == 1:
            return np.asarray(np.isfinite(total))
        inside = (forecasts.min(axis=0) >= -TOLERANCE) & (forecasts.max(axis=0) <= 1 + TOLERANCE)
        return np.asarray(inside & (np.abs(total - 1) <= TOLERANCE))


def _keep(forecasts: FloatArray, wanted: NDArray[np.bool_]) -> FloatArray:
    return forecasts if wanted.all() else forecasts[:, wanted]


def _invalid(n: int, hits: int, limits: Limits, alpha: float) -> Harm:
    rate = hits / n if n else 0.0
    low, high = rate_bounds(hits, n, alpha, limits.missed, NEVER) if n else (0.0, 1.0)
    return Harm(
        measure="invalid",
        n=n,
        minimum=limits.min_pairs,
        estimate=rate,
        interval=(float(low), float(high)),
        limit=limits.invalid,
        told=f"{hits} of {n} answers are no forecast",
        show=lambda share: f"{share:.2%}",
        units="rows answered by both",
    )
