"""Fitness flags and the chance of playing."""

import numpy as np
import pytest

from matchday.models.player_points.flags import PRIOR_RATIO, fading_ratios, learn_ratios
from tests import players


def test_without_a_flagged_player_the_priors_stay() -> None:
    flags = np.zeros(10, np.int64)
    assert np.array_equal(learn_ratios(flags, np.full(10, 0.5), np.ones(10, bool)), PRIOR_RATIO)


def test_a_ratio_is_who_played_beside_who_was_forecast_to_pulled_to_its_prior() -> None:
    flags, chances = np.full(100, 5), np.full(100, 0.8)
    found = learn_ratios(flags, chances, np.arange(100) < 40)
    assert found[5] == pytest.approx((40 + 20 * 0.85) / (80 + 20))
    assert (np.delete(found, 5) == np.delete(PRIOR_RATIO, 5)).all()


def test_what_a_flag_says_fades_with_the_weeks() -> None:
    ratios = fading_ratios(PRIOR_RATIO)
    assert np.array_equal(ratios[0], PRIOR_RATIO)
    assert ratios[1] == pytest.approx(np.sqrt(PRIOR_RATIO))
    assert (np.diff(ratios[:, 2]) > 0).all()


def test_ratios_learnt_of_real_players_rise_with_the_chance() -> None:
    ratios = players.model().ratios
    assert ratios[2] < 0.1
    assert ratios[2] < ratios[4] < ratios[6]
    assert ratios[1] == pytest.approx(1.0, abs=0.2)
