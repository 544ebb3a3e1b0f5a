"""Poisson regression of counts."""

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


def poisson_regression(design: FloatArray, counts: FloatArray) -> FloatArray:
    """Coefficients (k,) of log counts (n,) on a design (n, k) whose first column is one; Newton's method."""
    weights = np.zeros(design.shape[1])
    weights[0] = np.log(counts.mean())
    for _ in range(50):
        rate = np.exp(design @ weights)
        information = (design * rate[:, None]).T @ design + 1e-9 * np.eye(len(weights))
        step = np.linalg.solve(information, design.T @ (counts - rate))
        weights += step
        if np.abs(step).max() < 1e-10:
            break
    return weights
