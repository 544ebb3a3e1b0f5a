"""Calibrations that experiments compare."""

from collections.abc import Callable

import numpy as np
import pytest

from matchday.models.match_outcome.candidates.calibrators import fit_dirichlet, fit_draw_shift, fit_isotonic
from matchday.scores.outcome import log_loss

ALL = [fit_dirichlet, fit_isotonic, fit_draw_shift]


def drawn(rows: int = 6000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """True probabilities, those said (draws too seldom), results."""
    random = np.random.default_rng(8)
    true = random.dirichlet([4, 3, 3], rows)
    said = true * [1, 0.6, 1]
    result = (random.random(rows)[:, None] > true.cumsum(axis=1)).sum(axis=1).clip(0, 2)
    return true, said / said.sum(axis=1, keepdims=True), result


@pytest.mark.parametrize("fit", ALL)
def test_draws_that_were_said_too_seldom_are_mended(fit: Callable) -> None:
    true, said, result = drawn()
    calibrate = fit(said[:3000], result[:3000])
    found = calibrate(said[3000:])
    assert np.allclose(found.sum(axis=1), 1)
    assert (found > 0).all()
    assert log_loss(found, result[3000:]).mean() < log_loss(said[3000:], result[3000:]).mean()
    assert found[:, 1].mean() == pytest.approx(true[3000:, 1].mean(), abs=0.02)


def test_a_shift_of_the_draw_makes_past_draws_as_many_as_said() -> None:
    _, said, result = drawn()
    assert fit_draw_shift(said, result)(said)[:, 1].sum() == pytest.approx((result == 1).sum())


def test_what_never_happened_keeps_a_probability() -> None:
    _, said, _ = drawn(300)
    found = fit_isotonic(said, np.zeros(300, np.int64))(said)
    assert found.min() > 0
