"""Scores of forecasts."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from matchday.scores.confusion import confusion
from matchday.scores.outcome import accuracy, brier, calibration_error, log_loss, outcome_scores, ranked_probability

THIRD = [1 / 3, 1 / 3, 1 / 3]
SCORES = (ranked_probability, brier, log_loss)
FORECASTS = some.tuples(*[some.floats(0.01, 1)] * 3).map(np.array).map(lambda weights: weights / weights.sum())


@pytest.mark.parametrize(
    ("forecast", "result", "rps", "squares", "loss"),
    [
        ([1, 0, 0], 0, 0, 0, 0),
        ([0, 1, 0], 1, 0, 0, 0),
        ([1, 0, 0], 2, 1, 2, -math.log(1e-15)),
        ([1, 0, 0], 1, 0.5, 2, -math.log(1e-15)),
        (THIRD, 0, 5 / 18, 2 / 3, math.log(3)),
        (THIRD, 1, 1 / 9, 2 / 3, math.log(3)),
        (THIRD, 2, 5 / 18, 2 / 3, math.log(3)),
        ([0.5, 0.3, 0.2], 0, 0.145, 0.38, math.log(2)),
        ([0.5, 0.3, 0.2], 2, 0.445, 0.98, -math.log(0.2)),
    ],
)
def test_known_values(forecast, result: int, rps: float, squares: float, loss: float) -> None:
    one, happened = np.array([forecast], float), np.array([result])
    assert ranked_probability(one, happened) == pytest.approx([rps])
    assert brier(one, happened) == pytest.approx([squares])
    assert log_loss(one, happened) == pytest.approx([loss])


@given(truth=FORECASTS, other=FORECASTS)
def test_on_average_nothing_scores_better_than_the_truth(truth: np.ndarray, other: np.ndarray) -> None:
    results = np.arange(3)
    for scored in SCORES:
        expected = [truth @ scored(np.tile(said, (3, 1)), results) for said in (truth, other)]
        assert expected[0] <= expected[1] + 1e-12
        if np.abs(truth - other).max() > 0.01:
            assert expected[0] < expected[1], "strictly proper"


@given(forecast=FORECASTS, result=some.integers(0, 2))
def test_bounds(forecast: np.ndarray, result: int) -> None:
    one, happened = forecast[None], np.array([result])
    assert 0 <= ranked_probability(one, happened)[0] <= 1
    assert 0 <= brier(one, happened)[0] <= 2
    assert 0 <= log_loss(one, happened)[0] < math.inf
    assert accuracy(one, happened)[0] in (0, 1)
    assert 0 <= calibration_error(one, happened, bins=1) <= 1


def test_ranked_probability_alone_knows_that_a_draw_lies_nearer_to_a_win_than_a_defeat() -> None:
    forecasts, home = np.array([[0.5, 0.5, 0.0], [0.5, 0.0, 0.5]]), np.zeros(2, int)
    near, far = ranked_probability(forecasts, home)
    assert near < far
    assert np.ptp(brier(forecasts, home)) == 0


def test_calibration_error_of_forecasts_that_come_true_as_often_as_they_say_is_zero() -> None:
    results = np.repeat([0, 1, 2], [50, 30, 20])
    assert calibration_error(np.tile([0.5, 0.3, 0.2], (100, 1)), results, bins=3) == pytest.approx(0)


def test_calibration_error_of_certainty_that_is_always_wrong() -> None:
    assert calibration_error(np.tile([1.0, 0.0, 0.0], (100, 1)), np.full(100, 2), bins=3) == pytest.approx(2 / 3)


def test_all_scores_are_means_over_the_matches() -> None:
    forecast, result = np.array([[0.5, 0.3, 0.2], THIRD]), np.array([0, 1])
    scores = outcome_scores(np.tile(forecast, (5, 1)), np.tile(result, 5))
    assert scores["matches"] == 10
    assert scores["rps"] == pytest.approx((0.145 + 1 / 9) / 2)
    assert scores["accuracy"] == 0.5
    assert set(scores) == {"matches", "rps", "log_loss", "brier", "accuracy", "calibration_error"}


@pytest.mark.parametrize("shape", [(0, 3), (2, 3), (1, 2)])
def test_shapes_that_do_not_fit_are_refused(shape: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        outcome_scores(np.zeros(shape), np.zeros(1 if shape[0] else 0, int))


def test_confusion_counts_what_happened_by_what_was_most_probable() -> None:
    forecast = np.array([[0.5, 0.3, 0.2], [0.5, 0.3, 0.2], [0.1, 0.2, 0.7]])
    assert confusion(forecast, np.array([0, 2, 2])).tolist() == [[1, 0, 0], [0, 0, 0], [1, 0, 1]]
