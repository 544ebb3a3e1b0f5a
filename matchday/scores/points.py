"""Scores of forecasts of a player's points.

Everywhere: forecast is (n,) or (n, 1), mean points; result is (n,), points.
"""

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


def squared_error(forecast: FloatArray, result: IntArray) -> FloatArray:
    """Squared error of each row, (n,)."""
    return np.asarray(np.square(forecast.reshape(len(result)) - result))


def points_scores(forecast: FloatArray, result: IntArray) -> dict[str, float]:
    """Mean scores by name, and `matches`, the number of rows. Raises ValueError for shapes that do not fit or no row.

    squared_error: mean of it, rmse: its root, in points. bias: points forecast less points scored, a row.
    """
    if forecast.size != len(result) or not len(result):
        raise ValueError(f"forecast {forecast.shape} does not fit {len(result)} numbers of points")
    mean = float(squared_error(forecast, result).mean())
    bias = float((forecast.reshape(len(result)) - result).mean())
    return {"matches": len(result), "squared_error": mean, "rmse": mean**0.5, "bias": bias}
