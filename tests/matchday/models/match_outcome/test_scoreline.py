"""From expected goals to outcomes."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from matchday.models.match_outcome.scoreline import HOME_WINS, MOST_GOALS, outcome, score_grid

RATES = some.floats(0.1, 4.0)
LOW_SCORES = some.floats(-0.2, 0.1)


def of_one(home: float, away: float, low_score: float) -> np.ndarray:
    return outcome(np.array([home]), np.array([away]), np.array([low_score]))[0]


def by_hand(home: float, away: float, low_score: float) -> list[float]:
    """The sum over all scores, one by one; none has a probability below 0."""
    factor = {
        (0, 0): 1 - low_score * home * away,
        (0, 1): 1 + low_score * home,
        (1, 0): 1 + low_score * away,
        (1, 1): 1 - low_score,
    }
    sums = [0.0, 0.0, 0.0]
    for i in range(MOST_GOALS + 1):
        for j in range(MOST_GOALS + 1):
            chance = math.exp(-home - away) * home**i * away**j / math.factorial(i) / math.factorial(j)
            sums[0 if i > j else 1 if i == j else 2] += chance * max(0.0, factor.get((i, j), 1.0))
    return [part / sum(sums) for part in sums]


@given(home=RATES, away=RATES, low_score=LOW_SCORES)
def test_outcomes_are_the_sums_over_all_scores(home: float, away: float, low_score: float) -> None:
    forecast = of_one(home, away, low_score)
    assert forecast == pytest.approx(by_hand(home, away, low_score), abs=1e-12)
    assert forecast.sum() == pytest.approx(1)
    assert (forecast > 0).all()


@given(home=RATES, away=RATES)
def test_without_dependence_goals_are_independent(home: float, away: float) -> None:
    goals = np.arange(MOST_GOALS + 1)
    unscaled = [rate**goals / np.array([math.factorial(k) for k in goals]) for rate in (home, away)]
    own, other = (one / one.sum() for one in unscaled)
    draw = float(own @ other)
    assert of_one(home, away, 0.0)[1] == pytest.approx(draw)


@given(home=RATES, away=RATES, low_score=LOW_SCORES)
def test_sides_change_places_with_their_rates(home: float, away: float, low_score: float) -> None:
    assert of_one(home, away, low_score) == pytest.approx(of_one(away, home, low_score)[::-1])


def test_negative_dependence_makes_draws_likelier() -> None:
    assert of_one(1.4, 1.2, -0.1)[1] > of_one(1.4, 1.2, 0.0)[1] > of_one(1.4, 1.2, 0.1)[1]


def test_many_matches_at_once_are_each_by_itself() -> None:
    random = np.random.default_rng(0)
    matches = random.uniform([0.3, 0.3, -0.2], [3, 3, 0.1], (50, 3))
    assert outcome(*matches.T) == pytest.approx(np.array([of_one(*one) for one in matches]))


@given(home=some.floats(0.05, 9.0), away=some.floats(0.05, 9.0), low_score=some.floats(-1.5, 1.5))
def test_no_score_has_a_negative_probability_and_outcomes_are_sums_of_scores(
    home: float, away: float, low_score: float
) -> None:
    """Whatever the rates: of ten goals and a dependence of .1 the correction would take more from 0-0 than it has."""
    grid = score_grid(np.array([home]), np.array([away]), np.array([low_score]))[0]
    assert (grid >= 0).all()
    assert grid.sum() == pytest.approx(1, abs=1e-12)
    three = [(grid * HOME_WINS).sum(), np.trace(grid), (grid * HOME_WINS.T).sum()]
    assert of_one(home, away, low_score) == pytest.approx(three, abs=1e-12)


@pytest.mark.parametrize(
    ("home", "away", "low_score", "gone"),
    [(4.0, 3.0, 0.1, (0, 0)), (6.0, 0.5, -0.2, (0, 1)), (0.5, 6.0, -0.2, (1, 0)), (1.0, 1.0, 1.2, (1, 1))],
)
def test_a_score_from_which_more_is_taken_than_it_has_is_impossible(
    home: float, away: float, low_score: float, gone: tuple[int, int]
) -> None:
    grid = score_grid(np.array([home]), np.array([away]), np.array([low_score]))[0]
    assert grid[gone] == 0
    assert (grid > 0).sum() >= grid.size - 2
