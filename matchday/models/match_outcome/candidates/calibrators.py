"""Calibrations of three probabilities, each learnt from past forecasts that had not seen their results.

The model that is served has two parameters (`matchday.models.match_outcome.settled_goals`). These are the others.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax
from sklearn.isotonic import IsotonicRegression

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Calibrator = Callable[[FloatArray], FloatArray]
"""From probabilities (n, 3) to probabilities (n, 3)."""

DIRICHLET_PENALTY = 100.0
"""Of the squared distance from no calibration, half of it, in log-likelihood."""
LEAST = 1e-3
"""Least probability that isotonic regression may give: it would say 0 of what has not happened yet."""


def fit_dirichlet(forecast: FloatArray, result: IntArray) -> Calibrator:
    """Logits are a linear map of log probabilities, (3, 3) and a shift. Kull and others (2019), with a ridge."""
    logs, hit = np.log(forecast), np.eye(3)[result]
    start = np.concatenate([np.eye(3).ravel(), np.zeros(3)])

    def loss(theta: FloatArray) -> tuple[float, FloatArray]:
        scaled = log_softmax(logs @ theta[:9].reshape(3, 3) + theta[9:], axis=1)
        error = np.exp(scaled) - hit
        gradient = np.concatenate([(logs.T @ error).ravel(), error.sum(axis=0)])
        away = theta - start
        return DIRICHLET_PENALTY / 2 * float(away @ away) - float(scaled[hit == 1].sum()), (
            gradient + DIRICHLET_PENALTY * away
        )

    best = minimize(loss, start, jac=True, method="L-BFGS-B").x
    return lambda coming: np.asarray(softmax(np.log(coming) @ best[:9].reshape(3, 3) + best[9:], axis=1))


def fit_isotonic(forecast: FloatArray, result: IntArray) -> Calibrator:
    """Each class by a rising step function, then divided by the sum. Zadrozny and Elkan (2002)."""
    steps = [
        IsotonicRegression(y_min=LEAST, y_max=1 - LEAST, out_of_bounds="clip").fit(forecast[:, place], result == place)
        for place in range(3)
    ]

    def calibrate(coming: FloatArray) -> FloatArray:
        found = np.column_stack([step.predict(coming[:, place]) for place, step in enumerate(steps)])
        return np.asarray(found / found.sum(axis=1, keepdims=True))

    return calibrate


def fit_draw_shift(forecast: FloatArray, result: IntArray) -> Calibrator:
    """The draw's logit alone is moved, so that past draws are as many as forecast. Newton's method."""
    logs = np.log(forecast)
    shift = 0.0
    for _ in range(30):
        said = softmax(logs + np.array([0.0, shift, 0.0]), axis=1)[:, 1]
        step = ((result == 1).sum() - said.sum()) / (said * (1 - said)).sum()
        shift += float(np.clip(step, -0.5, 0.5))
        if abs(step) < 1e-9:
            break
    return lambda coming: np.asarray(softmax(np.log(coming) + np.array([0.0, shift, 0.0]), axis=1))
