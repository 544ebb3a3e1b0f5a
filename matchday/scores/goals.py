"""Scores of forecasts of a number of goals.

Everywhere: forecast is (n,) or (n, 1), the expected goals of each match, above 0; result is (n,), the goals scored.
"""

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


def poisson_deviance(forecast: FloatArray, result: IntArray) -> FloatArray:
    """Poisson deviance of each match, 0 where as many goals were scored as forecast, else above.

    Twice the log-likelihood that is lost beside a forecast of just what happened. McCullagh and Nelder (1989), 2.3.
    """
    mean, goals = forecast.reshape(len(result)), result.astype(float)
    lost = np.where(goals > 0, goals * np.log(np.maximum(goals, 1) / mean), 0.0)
    return np.asarray(2 * (lost - (goals - mean)))


def goals_scores(forecast: FloatArray, result: IntArray) -> dict[str, float]:
    """Mean scores by name, and `matches`, their number. Raises ValueError for shapes that do not fit or no match.

    deviance: Poisson. rmse, mae: root of the mean square, and mean size of the error, in goals. bias: goals forecast
    over goals scored.
    """
    if forecast.size != len(result) or not len(result):
        raise ValueError(f"forecast {forecast.shape} does not fit {len(result)} numbers of goals")
    error = forecast.reshape(len(result)) - result
    return {
        "matches": len(result),
        "deviance": float(poisson_deviance(forecast, result).mean()),
        "rmse": float(np.sqrt(np.square(error).mean())),
        "mae": float(np.abs(error).mean()),
        "bias": float(forecast.sum() / max(1, result.sum())),
    }
