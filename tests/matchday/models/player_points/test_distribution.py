"""Distributions of whole points."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from matchday.models.player_points.distribution import (
    LEAST,
    LOWEST_MEAN,
    MOST,
    NODES,
    STEPS_A_POINT,
    PointsDistribution,
    TiltTable,
    base_chances,
    count_below,
    tilt,
    tilt_table,
)

SCORED = np.array([1, 1, 1, 2, 2, 2, 2, 2, 5, 6, 6, 8, 9, 13, -1, 0])
MEANS = some.lists(some.floats(-3, 15), min_size=1, max_size=6).map(np.array)


HIGHEST_MEAN = LOWEST_MEAN + (NODES - 1) / STEPS_A_POINT


@cache
def table() -> TiltTable:
    """A table of two positions; the second scores a point less."""
    points = np.concatenate([SCORED, SCORED - 1])
    positions = np.repeat([0, 1], len(SCORED))
    return tilt_table(points, positions, np.arange(len(points)) % 2 == 0, 2)


def mix(minutes: np.ndarray, some: np.ndarray, full: np.ndarray) -> PointsDistribution:
    """The distribution of players of the first position."""
    reached = table().mix(np.zeros(len(some), np.int64), minutes, some, full)
    return PointsDistribution(LEAST, np.diff(reached, axis=1, prepend=0.0))


@some.composite
def forecasts(draw: some.DrawFn) -> PointsDistribution:
    means = draw(MEANS)
    shares = np.array([draw(some.floats(0.01, 1.0)) for _ in range(3)])
    minutes = np.tile(shares / shares.sum(), (len(means), 1))
    return mix(minutes, means / 2, means)


@settings(max_examples=50)
@given(means=MEANS)
def test_a_tilted_distribution_has_the_mean_that_was_asked_for(means) -> None:
    tilted = tilt(base_chances(SCORED), means)
    assert tilted.mean == pytest.approx(means, abs=1e-9)
    assert (tilted.chances >= 0).all()
    assert tilted.chances.sum(axis=1) == pytest.approx(np.ones(len(means)))


def test_the_base_itself_is_what_its_own_mean_gives() -> None:
    base = base_chances(SCORED)
    assert tilt(base, np.array([base @ np.arange(LEAST, MOST + 1)])).chances[0] == pytest.approx(base, abs=1e-9)


@settings(max_examples=50)
@given(lower=some.floats(-2, 14), more=some.floats(0.01, 3))
def test_a_higher_mean_makes_every_number_of_points_easier_to_reach(lower, more) -> None:
    tilted = tilt(base_chances(SCORED), np.array([lower, lower + more]))
    reached = np.cumsum(tilted.chances, axis=1)
    assert (reached[1] <= reached[0] + 1e-12).all()


def test_a_mean_out_of_reach_gets_the_nearest_that_can_be_had() -> None:
    far = tilt(base_chances(SCORED), np.array([-1e6, 1e6, np.inf]))
    assert np.isfinite(far.chances).all()
    assert far.mean == pytest.approx([LEAST, MOST, MOST], abs=0.01)


@settings(max_examples=50)
@given(forecast=forecasts())
def test_quantiles_are_whole_rise_with_their_level_and_split_the_probability(forecast) -> None:
    levels = (0.1, 0.5, 0.9)
    found = forecast.quantiles(levels)
    assert (np.diff(found, axis=1) >= 0).all()
    for row, chances in zip(found, forecast.chances, strict=True):
        for level, at in zip(levels, row, strict=True):
            assert chances[forecast.points <= at].sum() >= level - 1e-9
            assert chances[forecast.points < at].sum() < level + 1e-9


def test_who_surely_does_not_play_scores_nothing() -> None:
    never = mix(np.array([[1.0, 0.0, 0.0]]), np.array([1.0]), np.array([5.0]))
    assert never.mean == pytest.approx([0.0])
    assert never.quantiles((0.001, 0.5, 0.999)).tolist() == [[0, 0, 0]]


@settings(max_examples=50)
@given(means=some.lists(some.floats(LOWEST_MEAN, HIGHEST_MEAN), min_size=1, max_size=6).map(np.array))
def test_between_two_tilts_of_the_table_the_mean_is_the_one_asked_for(means) -> None:
    for position in (0, 1):
        for minutes in (0, 1):
            reached = table().reached(np.full(len(means), position), minutes, means)
            assert (np.diff(reached, axis=1) >= -1e-7).all()
            found = PointsDistribution(LEAST, np.diff(reached, axis=1, prepend=0.0))
            assert found.mean == pytest.approx(means, abs=1e-5)


def test_a_mean_beyond_the_table_has_the_distribution_of_the_nearest() -> None:
    asked = np.array([-9.0, LOWEST_MEAN, HIGHEST_MEAN, 99.0])
    low, lowest, highest, high = table().reached(np.zeros(4, np.int64), 1, asked)
    assert (low == lowest).all()
    assert (high == highest).all()


def test_the_mean_of_a_mixture_is_the_sum_over_minutes() -> None:
    found = mix(np.array([[0.2, 0.3, 0.5]]), np.array([1.3]), np.array([4.1]))
    assert found.mean == pytest.approx([0.3 * 1.3 + 0.5 * 4.1], abs=1e-5)


def test_the_last_number_is_always_reached() -> None:
    assert count_below(np.array([[0.1, 0.5, 0.9999]]), (0.05, 0.1, 0.5, 0.51, 0.99999)).tolist() == [[0, 0, 1, 2, 2]]


@settings(max_examples=30)
@given(forecast=forecasts())
def test_two_matches_add_up_in_either_order(forecast) -> None:
    other = PointsDistribution(forecast.least, np.roll(forecast.chances, 2, axis=1))
    together = forecast.plus(other)
    assert together.mean == pytest.approx(forecast.mean + other.mean)
    assert together.chances.sum(axis=1) == pytest.approx(np.ones(len(forecast.chances)))
    assert together.chances == pytest.approx(other.plus(forecast).chances)


def test_the_transform_of_points_drawn_from_the_forecast_is_uniform() -> None:
    random = np.random.default_rng(7)
    forecast = tilt(base_chances(SCORED), np.full(20_000, 3.5))
    drawn = random.choice(forecast.points, 20_000, p=forecast.chances[0])
    spread = forecast.randomised_pit(drawn, random.random(20_000))
    assert np.mean((spread > 0.1) & (spread < 0.9)) == pytest.approx(0.8, abs=0.012)
    assert np.quantile(spread, [0.25, 0.5, 0.75]) == pytest.approx([0.25, 0.5, 0.75], abs=0.015)


def test_the_transform_leaves_0_to_1_only_where_the_forecast_gave_no_chance() -> None:
    sure = PointsDistribution(0, np.array([[1.0, 0.0], [0.0, 1.0]]))
    assert sure.randomised_pit(np.array([0, 0]), np.array([0.3, 0.3])).tolist() == [0.3, 0.0]


def test_points_that_no_match_gives_are_refused() -> None:
    with pytest.raises(ValueError, match="between -10 and 40, not -11 to 3"):
        base_chances(np.array([3, -11]))


def test_without_a_past_all_numbers_are_equally_probable() -> None:
    assert base_chances(np.array([], np.int64)) == pytest.approx(np.full(MOST - LEAST + 1, 1 / (MOST - LEAST + 1)))
