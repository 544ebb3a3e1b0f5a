"""Calibration by class."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from matchday.scores.calibration import calibration_slope, class_bins, class_calibration_error
from matchday.scores.outcome import calibration_error


def drawn(rows: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities (n, 3), and results that follow them."""
    random = np.random.default_rng(seed)
    said = random.dirichlet([4, 3, 3], rows)
    return said, (random.random(rows)[:, None] > said.cumsum(axis=1)).sum(axis=1).clip(0, 2)


def test_a_perfect_forecast_has_what_chance_alone_gives() -> None:
    said, result = drawn(2660)
    assert 0.005 < class_calibration_error(said, result) < 0.025
    assert calibration_slope(said, result) == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize("power", [0.5, 2.0])
def test_the_slope_says_by_which_power_forecasts_are_too_sure(power: float) -> None:
    said, result = drawn(20_000)
    unsure = said**power / (said**power).sum(axis=1, keepdims=True)
    assert calibration_slope(unsure, result) == pytest.approx(1 / power, rel=0.1)


def test_faults_of_two_classes_that_cancel_each_other_are_seen() -> None:
    """Home and away each said with a half, and only home wins: together they are right."""
    said, result = np.tile([0.5, 0.0, 0.5], (100, 1)), np.zeros(100, np.int64)
    assert class_calibration_error(said, result) == pytest.approx(1 / 3)
    assert calibration_error(said, result) < 1 / 3


@given(rows=some.integers(1, 40), bins=some.integers(1, 12))
def test_bins_hold_every_row_once_in_order(rows: int, bins: int) -> None:
    said, result = drawn(rows, rows)
    found = class_bins(said, result, 0, bins)
    assert sum(one.count for one in found) == rows
    assert max(one.count for one in found) - min(one.count for one in found) <= 1
    assert [one.said for one in found] == sorted(one.said for one in found)
    assert sum(one.happened * one.count for one in found) == pytest.approx((result == 0).sum())
