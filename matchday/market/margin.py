"""Probabilities from odds: what is left of a book when the bookmaker's margin is taken out.

A book is the decimal odds of home, draw and away. Their inverses sum to more than 1 by the margin. Where they sum to 1
or less there is no margin to take out: such a book is scaled to a sum of 1, by every method.
"""

from collections.abc import Callable
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

HALVINGS = 80
"""Of an interval, to the last bit of a number."""


class Margin(StrEnum):
    """How the margin is taken out."""

    MULTIPLICATIVE = "multiplicative"
    SHIN = "shin"
    POWER = "power"


def probabilities(odds: FloatArray, margin: Margin = Margin.SHIN) -> FloatArray:
    """Probabilities (n, 3) of decimal odds (n, 3), each row summing to 1.

    Raises ValueError for odds that are not finite numbers above 1.
    """
    if not (np.isfinite(odds) & (odds > 1)).all():
        raise ValueError("odds are finite numbers above 1")
    inverse = 1 / odds
    scaled = _multiplicative(inverse)
    over = inverse.sum(axis=1) > 1
    scaled[over] = METHODS[margin](inverse[over])
    return np.asarray(scaled / scaled.sum(axis=1, keepdims=True))


def _multiplicative(inverse: FloatArray) -> FloatArray:
    """In proportion to the inverse odds: the margin lies equally on all three."""
    return np.asarray(inverse / inverse.sum(axis=1, keepdims=True))


def _shin(inverse: FloatArray) -> FloatArray:
    """With a share z of the money from people who know the result. Shin (1993), solved as Jullien and Salanie (1994).

    p = (sqrt(z^2 + 4 (1 - z) q^2 / B) - z) / (2 (1 - z)) of inverse odds q with sum B, written so that z = 1 is no
    division by 0. Their sum falls as z grows, from sqrt(B) at 0 to less than 1 at 1.
    """
    squares = inverse**2 / inverse.sum(axis=1, keepdims=True)

    def shares(z: FloatArray) -> FloatArray:
        return np.asarray(2 * squares / (z + np.sqrt(z**2 + 4 * (1 - z) * squares)))

    return shares(_root(shares, np.ones((len(inverse), 1))))


def _power(inverse: FloatArray) -> FloatArray:
    """A power of the inverse odds that sums to 1. Clarke, Kovalchik and Ingram (2017).

    At the exponent log 3 / -log(largest) no power is above a third, so the exponent lies between 1 and that.
    """
    logs = np.log(inverse)

    def powers(exponent: FloatArray) -> FloatArray:
        return np.asarray(np.exp(exponent * logs))

    most = np.maximum(1, np.log(3) / -logs.max(axis=1, keepdims=True))
    return powers(1 + _root(lambda beyond: powers(1 + beyond), most - 1))


METHODS: dict[Margin, Callable[[FloatArray], FloatArray]] = {
    Margin.MULTIPLICATIVE: _multiplicative,
    Margin.SHIN: _shin,
    Margin.POWER: _power,
}


def _root(shares: Callable[[FloatArray], FloatArray], most: FloatArray) -> FloatArray:
    """Where rows of `shares`, which fall, sum to 1: between 0 and `most`, (n, 1), by halving."""
    low, high = np.zeros_like(most), most.copy()
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        above = shares(middle).sum(axis=1, keepdims=True) > 1
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return (low + high) / 2
