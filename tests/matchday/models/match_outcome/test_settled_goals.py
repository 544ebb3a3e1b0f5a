"""The goals model with a calibration: what it learns, its score grid, its graph."""

from dataclasses import astuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from scipy.optimize import minimize
from scipy.special import log_softmax

from matchday.models.match_outcome import scoreline
from matchday.models.match_outcome.kind import outcome_of
from matchday.models.match_outcome.settled_goals import (
    LOW_SCORE,
    NAMES,
    Parameters,
    SettledGoals,
    fit,
    rates,
    train,
    vectors_of,
)
from tests import league

MODEL = SettledGoals(scored=-0.05, conceded=0.16, sharpness=1.08, draw=-0.03)


def invent_vectors(count: int, seed: int, settled_share: float = 0.3) -> np.ndarray:
    """Vectors (count, k) of teams as the league has them."""
    random = np.random.default_rng(seed)
    columns = {name: random.normal(0, 0.3, count) for name in NAMES}
    columns |= {"league_level": np.full(count, 0.2), "league_home_edge": np.full(count, 0.25)}
    columns |= {f"{side}_settled": random.random(count) < settled_share for side in ("home", "away")}
    return np.column_stack([columns[name] for name in NAMES]).astype(np.float32)


def invent_goals(vectors: np.ndarray, model: SettledGoals, seed: int) -> np.ndarray:
    """Goals (n, 2), as they are where the model is right."""
    return np.random.default_rng(seed).poisson(np.column_stack(rates(vectors, model.scored, model.conceded)))


some_models = some.builds(
    SettledGoals, some.floats(-0.4, 0.4), some.floats(-0.4, 0.4), some.floats(0.5, 1.5), some.floats(-0.3, 0.3)
)


@given(some_models, some.integers(0, 1000))
@settings(deadline=None, max_examples=30)
def test_the_score_grid_sums_to_the_three_probabilities(model, seed) -> None:
    vectors = invent_vectors(8, seed)
    grid, forecast = model.score_grid(vectors), model.predict(vectors)
    assert grid.min() >= 0
    sums = [np.tril(grid, -1).sum(axis=(1, 2)), np.trace(grid, axis1=1, axis2=2), np.triu(grid, 1).sum(axis=(1, 2))]
    assert np.abs(np.column_stack(sums) - forecast).max() < 1e-9
    assert np.abs(forecast.sum(axis=1) - 1).max() < 1e-12


@given(some_models, some.integers(0, 1000))
@settings(deadline=None, max_examples=30)
def test_further_outputs_are_sums_of_scores_one_by_one(model, seed) -> None:
    vectors = invent_vectors(4, seed)
    found = model.further(vectors)
    grid = found["score_grid"]
    assert np.array_equal(grid, model.score_grid(vectors))
    scores = [(home, away, grid[:, home, away]) for home in range(11) for away in range(11)]
    for place in range(6):
        more = sum(chance for home, away, chance in scores if home + away > place)
        assert found["over"][:, place] == pytest.approx(more, abs=1e-12)
    both = sum(chance for home, away, chance in scores if home and away)
    assert found["both_score"] == pytest.approx(both, abs=1e-12)
    kept = [sum(chance for home, away, chance in scores if not (away, home)[side]) for side in (0, 1)]
    assert found["clean_sheets"] == pytest.approx(np.column_stack(kept), abs=1e-12)
    # Both score unless one keeps a clean sheet; 0-0 is of both.
    neither = found["clean_sheets"].sum(axis=1) - grid[:, 0, 0]
    assert found["both_score"] == pytest.approx(1 - neither, abs=1e-9)
    assert (np.diff(found["over"], axis=1) <= 0).all()


def test_training_takes_rows_of_the_first_season_on() -> None:
    rows = league.outcome_features()
    given = Parameters(first_season="2223")
    learnt = rows[rows["season"] >= "2223"]
    goals = learnt[["home_goals", "away_goals"]].to_numpy()
    assert train(rows, given) == train(learnt, given) == fit(vectors_of(learnt), goals, given) != train(rows)


def test_a_stronger_prior_learns_less() -> None:
    vectors = invent_vectors(500, 11)
    goals = invent_goals(vectors, SettledGoals(scored=-0.3, conceded=0.3), 12)
    loose, tight = (fit(vectors, goals, Parameters(settled_penalty=by, calibration_penalty=by)) for by in (1.0, 1e6))
    assert abs(tight.conceded) < 0.01 < abs(loose.conceded)
    assert abs(tight.sharpness - 1) < 0.01
    assert fit(vectors, goals, Parameters(low_score=-0.1)).low_score == -0.1


def test_without_anything_learnt_it_is_the_goals_model() -> None:
    vectors = invent_vectors(20, 1)
    home, away = rates(vectors, 0.0, 0.0)
    wanted = scoreline.outcome(home, away, np.full(20, LOW_SCORE))
    assert SettledGoals().predict(vectors) == pytest.approx(wanted)
    assert fit(vectors[:0], np.empty((0, 2), np.int64)) == SettledGoals()


def test_what_being_settled_does_is_learnt_from_goals() -> None:
    vectors = invent_vectors(20_000, 2)
    true = SettledGoals(scored=-0.1, conceded=0.2)
    learnt = fit(vectors, invent_goals(vectors, true, 3))
    assert astuple(learnt)[:2] == pytest.approx((-0.1, 0.2), abs=0.03)


def test_a_league_in_which_everyone_scores_more_says_nothing_of_settled_teams() -> None:
    vectors = invent_vectors(20_000, 4)
    goals = np.random.default_rng(5).poisson(1.3 * np.column_stack(rates(vectors, 0.0, 0.0)))
    learnt = fit(vectors, goals)
    assert astuple(learnt)[:2] == pytest.approx((0.0, 0.0), abs=0.03)


def test_nobody_settled_leaves_both_effects_at_zero() -> None:
    vectors = invent_vectors(300, 6, settled_share=0.0)
    learnt = fit(vectors, invent_goals(vectors, SettledGoals(), 7))
    assert astuple(learnt)[:2] == pytest.approx((0.0, 0.0))


def test_the_calibration_maximises_the_penalised_likelihood_of_results() -> None:
    vectors = invent_vectors(1500, 8, settled_share=0.0)
    goals = invent_goals(vectors, SettledGoals(), 9)
    result = outcome_of(goals[:, 0], goals[:, 1])
    logs = np.log(SettledGoals().predict(vectors))

    def loss(theta: np.ndarray) -> float:
        likely = log_softmax(theta[0] * logs + np.array([0.0, theta[1], 0.0]), axis=1)
        return (
            Parameters().calibration_penalty / 2 * ((theta[0] - 1) ** 2 + theta[1] ** 2)
            - likely[np.arange(1500), result].sum()
        )

    wanted = minimize(loss, [1.0, 0.0], options={"gtol": 1e-6}).x
    learnt = fit(vectors, goals)
    assert (learnt.sharpness, learnt.draw) == pytest.approx(tuple(wanted), abs=1e-5)


def test_a_settled_opponent_makes_a_team_likelier_to_win() -> None:
    vectors = np.repeat(invent_vectors(1, 10, settled_share=0.0), 2, axis=0)
    vectors[1, NAMES.index("away_settled")] = 1.0
    before, after = MODEL.predict(vectors)
    assert after[0] > before[0]
    assert after[2] < before[2]
