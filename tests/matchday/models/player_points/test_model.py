"""Minutes and points of players on a small made-up league."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from matchday.models.graph import FEATURES, GraphWriter, prove_parity
from matchday.models.kind import ModelOutput
from matchday.models.player_points.model import OUTPUTS, PointsModel, fit, given_he_plays, write_forecast
from matchday.models.total_goals.kind import TOTAL_GOALS

MATCHES = 6000
KIND = replace(TOTAL_GOALS, output=ModelOutput("forecast", OUTPUTS))


@cache
def league() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Vectors of (regular share of matches, skill, noise), positions, minutes, points."""
    random = np.random.default_rng(5)
    vectors = random.random((MATCHES, 3)).astype(np.float32)
    vectors[random.random(MATCHES) < 0.1, 2] = np.nan
    plays = random.random(MATCHES) < vectors[:, 0]
    minutes = np.where(plays, np.where(random.random(MATCHES) < vectors[:, 0], 90, 20), 0)
    points = np.where(minutes == 90, 1 + random.poisson(1 + 4 * vectors[:, 1]), np.where(minutes == 20, 1, 0))
    return vectors, random.choice(np.array(["DEF", "FWD"]), MATCHES), minutes, points


@cache
def model() -> PointsModel:
    return fit(*league())


def test_probabilities_of_minutes_add_up_and_means_are_sums_over_minutes() -> None:
    forecast = model().predict(league()[0])
    assert forecast[:, :3].sum(axis=1) == pytest.approx(np.ones(MATCHES))
    assert (forecast[:, :3] >= 0).all()
    assert forecast[:, 5] == pytest.approx((forecast[:, 1:3] * forecast[:, 3:5]).sum(axis=1))
    assert given_he_plays(forecast) * (1 - forecast[:, 0]) == pytest.approx(forecast[:, 5], abs=1e-6)


def test_it_learns_who_plays_and_who_scores() -> None:
    asked = np.array([[0.05, 0.9, 0.5], [0.95, 0.1, 0.5], [0.95, 0.9, 0.5]], np.float32)
    bench, plain, star = model().predict(asked)
    assert bench[0] > 0.85 > 0.15 > plain[0]
    assert plain[4] == pytest.approx(2.4, abs=0.4)
    assert star[4] == pytest.approx(5.6, abs=0.5)
    assert star[5] > plain[5] > bench[5]


def test_the_distribution_has_the_mean_of_the_forecast() -> None:
    vectors, positions, _, _ = league()
    forecast = model().predict(vectors[:300])
    found = model().distribution(forecast, positions[:300])
    assert found.mean == pytest.approx(forecast[:, 5], abs=1e-6)
    assert found.chances.sum(axis=1) == pytest.approx(np.ones(300))


def test_a_player_has_the_distribution_of_his_position_whoever_stands_beside_him() -> None:
    vectors, positions, _, _ = league()
    forecast = model().predict(vectors[:20])
    together = model().distribution(forecast, positions[:20]).chances
    alone = [model().distribution(forecast[[row]], positions[[row]]).chances[0] for row in range(20)]
    assert together == pytest.approx(np.array(alone))


def test_a_position_that_was_never_seen_is_refused() -> None:
    with pytest.raises(KeyError, match="GK"):
        model().distribution(model().predict(league()[0][:1]), np.array(["GK"]))


def test_the_graph_forecasts_what_python_forecasts() -> None:
    writer = GraphWriter()
    write_forecast(writer, model(), FEATURES, KIND.output.name)
    vectors = league()[0][:500]
    parity = prove_parity(writer.serialise(KIND, 3), KIND.output.name, vectors, model().predict(vectors))
    assert parity.rows == 500


def test_the_same_matches_give_the_same_model() -> None:
    again = fit(*league())
    assert np.array_equal(again.predict(league()[0]), model().predict(league()[0]))


def test_too_few_matches_of_a_kind_are_refused() -> None:
    vectors, positions, minutes, points = league()
    with pytest.raises(ValueError, match="50 matches with 1-59 minutes, there are 0"):
        fit(vectors, positions, np.where(minutes < 60, 0, minutes), points)
