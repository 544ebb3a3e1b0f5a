"""How different two versions' forecasts are, measure by measure."""

import numpy as np
import pytest

from rollout.judge import JudgeLimits, Observation, Pairs, Verdict, class_forecasts, judge
from rollout.judge.divergence import crosstab, divergence_bounds, in_deciles, jensen_shannon, stability_index
from tests.rollout.judge.cases import forecasts, retrained

RNG = np.random.default_rng(7)
POINTS = RNG.gamma(2.0, 1.5, (400, 1))


def found(stable, canary, classes=()):
    seen = Observation(pairs=Pairs(stable, canary), classes=classes)
    return {each.measure: each for each in judge(seen, JudgeLimits(), checks=["predictions"]).findings}


def test_a_distance_is_the_mean_total_variation():
    stable = np.tile([0.5, 0.3, 0.2], (200, 1))
    measures = found(stable, np.tile([0.4, 0.3, 0.3], (200, 1)))
    assert measures["distance"].estimate == pytest.approx(0.1)
    assert measures["shift"].estimate == pytest.approx(0.1)
    assert measures["favourites"].estimate == pytest.approx(0, abs=1e-9)


def test_draws_that_became_likelier_are_told():
    stable = forecasts()
    more = stable + np.array([-0.06, 0.12, -0.06])
    more = np.clip(more, 0.01, None) / np.clip(more, 0.01, None).sum(axis=1, keepdims=True)
    shift = found(stable, more, ("home", "draw", "away"))["shift"]
    assert shift.verdict is Verdict.FAIL
    assert "draw has +0.1" in shift.reason
    assert "class 1 has +0.1" in found(stable, more)["shift"].reason


def test_swapped_sides_fail_in_more_than_one_way():
    stable = forecasts(400)
    failed = {name for name, each in found(stable, stable[:, ::-1]).items() if each.verdict is Verdict.FAIL}
    assert "distance" in failed
    assert len(failed) >= 2


@pytest.mark.parametrize("apart", [0.0, 0.01, 0.03])
def test_a_version_trained_again_passes_from_a_few_hundred_rows(apart):
    stable = forecasts(400)
    assert {each.verdict for each in found(stable, retrained(stable, apart)).values()} == {Verdict.PASS}


@pytest.mark.parametrize(
    ("canary", "failed"),
    [
        (POINTS + RNG.normal(0, 0.1, POINTS.shape), set()),
        (POINTS + 2, {"distance", "shift"}),
        (POINTS[::-1], {"distance"}),
        (np.zeros_like(POINTS), {"distance", "shift", "spread"}),
        (np.full_like(POINTS, np.inf), {"invalid"}),
    ],
    ids=["trained again", "two points more", "other rows'", "nothing", "infinite"],
)
def test_points_are_compared_in_standard_deviations(canary, failed):
    verdicts = {name: each.verdict for name, each in found(POINTS, canary).items()}
    assert {name for name, verdict in verdicts.items() if verdict is Verdict.FAIL} == failed
    if not failed:
        assert set(verdicts.values()) == {Verdict.PASS}


@pytest.mark.parametrize("divergence", [jensen_shannon, stability_index])
def test_gradients_are_those_of_the_divergence(divergence):
    p, q = np.array([0.5, 0.3, 0.2]), np.array([0.3, 0.3, 0.4])
    value, by_p, by_q = divergence(p, q)
    step = np.array([1e-6, -1e-6, 0])
    assert divergence(p + step, q)[0] - value == pytest.approx(by_p @ step, rel=1e-3)
    assert divergence(p, q + step)[0] - value == pytest.approx(by_q @ step, rel=1e-3)


def test_known_divergences():
    apart = np.array([1 - 1e-12, 1e-12]), np.array([1e-12, 1 - 1e-12])
    assert jensen_shannon(*apart)[0] == pytest.approx(1)
    assert jensen_shannon(apart[0], apart[0])[0] == stability_index(apart[0], apart[0])[0] == 0
    shares = np.array([0.65, 0.35])
    assert stability_index(shares, shares[::-1])[0] == pytest.approx(0.6 * np.log(0.65 / 0.35))


def test_a_divergence_is_ever_above_its_upper_bound_or_below_its_lower_seldom_enough():
    rng = np.random.default_rng(8)
    joint = np.array([[0.5, 0.0, 0.15], [0.0, 0.05, 0.0], [0.05, 0.05, 0.2]])
    truth = stability_index(joint.sum(axis=1), joint.sum(axis=0))[0]
    missed = 0
    for _ in range(200):
        rows = rng.choice(9, 1500, p=joint.ravel())
        for n in range(200, 1501, 100):
            _, (low, high) = divergence_bounds(crosstab(rows[:n] // 3, rows[:n] % 3, 3), stability_index, 0.025, 0.025)
            if not low <= truth <= high:
                missed += 1
                break
    assert missed <= 20


FOOTBALL = np.random.default_rng(9)
STRENGTH = FOOTBALL.normal(0.35, 0.75, 380)
DRAWS = 0.27 - 0.03 * np.abs(STRENGTH) + FOOTBALL.normal(0, 0.01, 380)
HOME = (1 - DRAWS) / (1 + np.exp(-1.3 * STRENGTH))
MATCHES = np.column_stack([HOME, DRAWS, 1 - DRAWS - HOME])
"""Forecasts of a season: draws lie within a few points of each other."""


@pytest.mark.parametrize("points", [-0.03, 0.03])
def test_draws_that_are_all_three_points_higher_have_the_same_spread(points):
    moved = MATCHES + points * np.array([-0.5, 1, -0.5])
    spread = found(MATCHES, moved)["spread"]
    assert (spread.estimate, spread.verdict) == (pytest.approx(0, abs=0.01), Verdict.PASS)


def test_draws_that_are_all_the_same_have_another_spread_although_they_lie_within_a_tenth():
    flat = MATCHES.copy()
    flat[:, 1] = DRAWS.mean()
    flat[:, [0, 2]] *= ((1 - DRAWS.mean()) / (1 - DRAWS))[:, None]
    spread = found(MATCHES, flat, ("home", "draw", "away"))["spread"]
    assert spread.verdict is Verdict.FAIL and "probabilities of draw have another shape" in spread.reason


def test_rows_that_set_the_bins_are_not_counted():
    rng = np.random.default_rng(10)
    stable, canary = rng.normal(size=500), rng.normal(0.3, 1, 500)
    table = in_deciles(stable, canary, 100)
    assert table.sum() == 400
    assert in_deciles(stable[:100], canary[:100], 100).sum() == 0
    order = np.append(np.arange(100), 100 + rng.permutation(400))
    assert (in_deciles(stable[order], canary[order], 100) == table).all()
    cuts = np.quantile(stable[:100], np.arange(1, 10) / 10)
    assert (table.sum(axis=1) == np.histogram(stable[100:], [-np.inf, *cuts, np.inf])[0]).all()


def test_the_same_shape_fails_by_its_spread_seldom_enough():
    failed = 0
    for seed in range(150):
        rng = np.random.default_rng(seed)
        stable, canary = rng.normal(size=(2, 400))
        looks = (in_deciles(stable[:n], canary[:n], 100) for n in range(200, 401, 50))
        failed += any(divergence_bounds(each, stability_index, 0.025, 0.05)[1][0] > 0.05 for each in looks)
    assert failed <= 8


def test_a_spread_is_within_its_limit_only_when_that_of_every_class_is(monkeypatch):
    spreads = iter([(0.1, (0.0, 0.299)), (0.1, (0.015, 0.2)), (0.1, (0.0, 0.533))])

    def given(table, statistic, *rest):
        return next(spreads) if statistic is stability_index else divergence_bounds(table, statistic, *rest)

    monkeypatch.setattr(class_forecasts, "divergence_bounds", given)
    spread = found(forecasts(), forecasts())["spread"]
    assert spread.interval == (0.015, 0.533)
    assert spread.verdict is not Verdict.PASS
