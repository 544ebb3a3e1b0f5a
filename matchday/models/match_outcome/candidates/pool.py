"""Calibrated log-linear pool: combines several forecasts of the same match into one."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

SHRINKAGE = 2000.0
"""Strength of the pull to equal weights and no shift: half of it times the squared distance is the penalty, in nats.

Chosen on 2019/20 to 2022/23: weaker pulls follow the accidents of a season (there were no crowds in 2020/21).
"""


@dataclass(frozen=True)
class Pool:
    """Probabilities proportional to exp(shift) * product of member probabilities to the power of their weights.

    Weights that sum to less than one flatten the forecast, to more than one sharpen it, so that pooling and
    calibration are one fit. Genest and Zidek (1986); the shift is the vector scaling of Guo et al. (2017).
    """

    weights: FloatArray
    shift: FloatArray

    def combine(self, members: Sequence[FloatArray]) -> FloatArray:
        """Pooled probabilities (n, 3) from the members' probabilities, each (n, 3)."""
        logits = sum(w * np.log(member) for w, member in zip(self.weights, members, strict=True)) + self.shift
        return np.asarray(np.exp(log_softmax(logits, axis=1)))


def fit_pool(members: Sequence[FloatArray], result: IntArray) -> Pool:
    """The pool that made past forecasts likeliest; members must not have seen the results they forecast.

    members: each (n, 3), positive. result: (n,). With no past at all: equal weights, no shift.
    """
    count = len(members)
    start = np.concatenate([np.full(count, 1.0 / count), np.zeros(3)])
    if not len(result):
        return Pool(start[:count], start[count:])
    logs = np.stack([np.log(member) for member in members], axis=2)
    hit = np.eye(3)[result]

    def loss(theta: FloatArray) -> tuple[float, FloatArray]:
        scaled = log_softmax(logs @ theta[:count] + theta[count:], axis=1)
        error = np.exp(scaled) - hit
        gradient = np.concatenate([np.einsum("nc,nck->k", error, logs), error.sum(axis=0)])
        distance = theta - start
        penalty = SHRINKAGE / 2 * float(distance @ distance)
        return penalty - float(scaled[hit == 1].sum()), gradient + SHRINKAGE * distance

    bounds = [(0.0, None)] * count + [(None, None)] * 3
    best = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds)
    return Pool(best.x[:count], best.x[count:])
