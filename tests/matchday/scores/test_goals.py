"""Scores of forecasts of goals."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from matchday.scores.goals import goals_scores, poisson_deviance

MEANS = some.floats(0.05, 9)


@pytest.mark.parametrize(
    ("mean", "goals", "deviance"),
    [(2.0, 2, 0.0), (2.0, 0, 4.0), (1.0, 3, 2 * (3 * math.log(3) - 2)), (4.0, 1, 2 * (3 - math.log(4)))],
)
def test_known_values(mean: float, goals: int, deviance: float) -> None:
    assert poisson_deviance(np.array([mean]), np.array([goals])) == pytest.approx([deviance])


@given(mean=MEANS, other=MEANS)
def test_on_average_nothing_scores_better_than_the_true_mean(mean: float, other: float) -> None:
    goals = np.arange(80)
    log_factorial = np.array([math.lgamma(k + 1) for k in goals])
    probability = np.exp(goals * math.log(mean) - mean - log_factorial)
    own, theirs = (probability @ poisson_deviance(np.full(80, said), goals) for said in (mean, other))
    assert own <= theirs + 1e-9
    if abs(mean - other) > 0.01 * mean:
        assert own < theirs, "strictly proper"


@given(mean=MEANS, goals=some.integers(0, 20))
def test_a_column_is_scored_as_a_vector_is_and_never_below_zero(mean: float, goals: int) -> None:
    vector, column = (poisson_deviance(np.full(shape, mean), np.full(3, goals)) for shape in (3, (3, 1)))
    assert np.array_equal(vector, column)
    assert (vector >= -1e-12).all()


def test_all_scores_are_means_over_the_matches() -> None:
    scores = goals_scores(np.array([2.0, 3.0]), np.array([0, 4]))
    assert scores["matches"] == 2
    assert scores["rmse"] == pytest.approx(math.sqrt((4 + 1) / 2))
    assert (scores["mae"], scores["bias"]) == (1.5, 5 / 4)
    assert scores["deviance"] == pytest.approx((4 + 2 * (4 * math.log(4 / 3) - 1)) / 2)


@pytest.mark.parametrize(("forecasts", "results"), [(0, 0), (2, 3), (3, 2)])
def test_shapes_that_do_not_fit_are_refused(forecasts: int, results: int) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        goals_scores(np.ones(forecasts), np.ones(results, int))
