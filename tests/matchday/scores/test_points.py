"""Scores of points."""

import numpy as np
import pytest

from matchday.scores.points import points_scores, squared_error


def test_scores_of_two_rows() -> None:
    forecast, result = np.array([1.0, 4.0]), np.array([2, 1])
    assert squared_error(forecast, result).tolist() == [1.0, 9.0]
    assert squared_error(forecast[:, None], result).tolist() == [1.0, 9.0]
    assert points_scores(forecast, result) == {"matches": 2, "squared_error": 5.0, "rmse": 5.0**0.5, "bias": 1.0}


@pytest.mark.parametrize(("forecast", "result"), [(np.zeros(2), np.zeros(3, int)), (np.zeros(0), np.zeros(0, int))])
def test_forecasts_that_do_not_fit_are_refused(forecast, result) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        points_scores(forecast, result)
