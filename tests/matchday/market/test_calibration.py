"""How often it happened as it was said."""

import math

import numpy as np
import pytest

from matchday.market.calibration import calibrate, measure_slope
from matchday.scores.outcome import calibration_error
from tests.matchday.market.forecast_rows import random_pairs


@pytest.mark.parametrize("count", [1, 3, 10, 301])
def test_the_bins_are_those_of_the_calibration_error(count: int) -> None:
    pairs = random_pairs(count)
    found = calibrate(pairs.model, pairs.result)
    assert sum(one.count for one in found.bins) == 3 * count
    assert len(found.bins) == min(10, 3 * count)
    assert np.ptp([one.count for one in found.bins]) <= 1, "equal counts"
    assert [one.said for one in found.bins] == sorted(one.said for one in found.bins)
    assert found.error == pytest.approx(calibration_error(pairs.model, pairs.result, min(10, 3 * count)))


def test_forecasts_that_come_true_as_often_as_they_say() -> None:
    found = calibrate(np.tile([0.5, 0.3, 0.2], (100, 1)), np.repeat([0, 1, 2], [50, 30, 20]), bins=3)
    assert [(one.said, one.happened) for one in found.bins] == [
        (pytest.approx(share), pytest.approx(share)) for share in (0.2, 0.3, 0.5)
    ]
    assert found.error == pytest.approx(0)
    assert found.slope == pytest.approx(1)


@pytest.mark.parametrize("slope", [0.5, 1.0, 2.0])
def test_the_slope_says_how_much_too_bold_the_forecasts_are(slope: float) -> None:
    """Of pairs (1 - p, p) whose log-odds, times the slope, are the truth."""
    said = np.repeat(np.linspace(0.1, 0.9, 9), 1000)
    truth = 1 / (1 + ((1 - said) / said) ** slope)
    hit = (np.tile(np.arange(1000), 9) < np.round(1000 * truth)).astype(float)
    assert measure_slope(said, hit) == pytest.approx(slope, rel=0.01)


@pytest.mark.parametrize(
    ("said", "hit"),
    [
        ([0.3, 0.3, 0.3], [1, 0, 0]),
        ([0.9, 0.8, 0.1, 0.2], [1, 1, 0, 0]),
        ([0.5], [1]),
        ([1.0, 0.0, 1.0], [1, 0, 1]),
        ([0.6, 0.4, 0.2], [1, 1, 1]),
    ],
)
def test_no_slope_where_none_is_most_likely(said: list[float], hit: list[float]) -> None:
    assert math.isnan(measure_slope(np.array(said), np.array(hit, float)))


def test_forecasts_of_0_and_1_have_a_slope_if_some_are_wrong() -> None:
    slope = measure_slope(np.array([1.0, 0.0, 1.0, 0.0, 0.5, 0.5]), np.array([1.0, 0.0, 0.0, 1.0, 1.0, 0.0]))
    assert slope == pytest.approx(0, abs=1e-9)
