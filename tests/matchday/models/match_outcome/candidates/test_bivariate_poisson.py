"""Bivariate Poisson."""

import numpy as np
import pytest

from matchday.models.match_outcome import scoreline
from matchday.models.match_outcome.candidates.bivariate_poisson import BivariatePoisson, fit, grid

HOME, AWAY = np.array([1.6, 0.9]), np.array([1.1, 1.8])


def test_without_covariance_goals_are_independent() -> None:
    wanted = scoreline.score_grid(HOME, AWAY, np.zeros(2))
    assert np.allclose(grid(HOME, AWAY, 0.0), wanted, atol=1e-9)


def test_means_and_covariance_are_those_that_are_given() -> None:
    cells, goals = grid(HOME, AWAY, 0.2), scoreline.GOALS
    home, away = (np.tensordot(cells.sum(axis=axis), goals, 1) for axis in (2, 1))
    together = np.einsum("nij,i,j->n", cells, goals, goals)
    assert np.allclose(home, HOME, atol=2e-3)
    assert np.allclose(away, AWAY, atol=2e-3)
    assert np.allclose(together - home * away, 0.2, atol=5e-3)


def test_covariance_makes_draws_likelier() -> None:
    draws = [BivariatePoisson(one).predict(HOME, AWAY)[:, 1] for one in (0.0, 0.1, 0.3)]
    assert (np.diff(draws, axis=0) > 0).all()
    assert np.allclose(BivariatePoisson(0.3).predict(HOME, AWAY).sum(axis=1), 1)


@pytest.mark.parametrize("covariance", [0.0, 0.15])
def test_the_covariance_is_found_again(covariance: float) -> None:
    random = np.random.default_rng(3)
    home, away = random.uniform(0.8, 2.2, (2, 20_000))
    common = random.poisson(covariance, 20_000)
    goals = np.column_stack([random.poisson(rate - covariance) + common for rate in (home, away)])
    assert fit(home, away, goals).covariance == pytest.approx(covariance, abs=0.03)
