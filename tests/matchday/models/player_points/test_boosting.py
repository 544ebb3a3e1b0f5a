"""Trees whose sums are exact."""

import json

import numpy as np
import pytest
import xgboost

from matchday.models.player_points.boosting import (
    LEAF_UNIT,
    TreeSettings,
    boost_chance,
    boost_mean,
    margins,
    round_leaves,
)

SETTINGS = TreeSettings(rounds=30, eta=0.2, depth=3, least_weight=5)


def sample() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(3)
    inputs = random.random((2000, 4)).astype(np.float32)
    return inputs, 3 * inputs[:, 0] + random.normal(size=2000)


def test_sums_are_multiples_of_the_unit_that_a_float32_holds() -> None:
    inputs, wanted = sample()
    for booster in (boost_mean(SETTINGS, inputs, wanted), boost_chance(SETTINGS, inputs, wanted > 1)):
        found = margins(booster, inputs) / LEAF_UNIT
        assert (found == np.round(found)).all()
        assert len(set(found.tolist())) > 100


def test_rounding_leaves_changes_no_forecast_that_anybody_could_see() -> None:
    inputs, wanted = sample()
    exact = xgboost.train({"eta": 0.2, "max_depth": 3, "nthread": 1}, xgboost.QuantileDMatrix(inputs, wanted), 30)
    rounded = round_leaves(exact)
    rows = xgboost.DMatrix(inputs)
    assert rounded.predict(rows) == pytest.approx(exact.predict(rows), abs=30 * LEAF_UNIT)


def test_leaves_whose_sum_would_not_be_exact_are_refused() -> None:
    inputs, wanted = sample()
    booster = boost_mean(SETTINGS, inputs, wanted)
    model = json.loads(booster.save_raw("json"))
    tree = model["learner"]["gradient_booster"]["model"]["trees"][0]
    leaf = tree["left_children"].index(-1)
    tree["split_conditions"][leaf] = 500.0
    booster.load_model(bytearray(json.dumps(model).encode()))
    with pytest.raises(ValueError, match="could reach 50"):
        round_leaves(booster)


def test_it_learns_the_mean_and_the_chance() -> None:
    inputs, wanted = sample()
    assert np.corrcoef(margins(boost_mean(SETTINGS, inputs, wanted), inputs), inputs[:, 0])[0, 1] > 0.9
    assert np.corrcoef(margins(boost_chance(SETTINGS, inputs, wanted > 1), inputs), inputs[:, 0])[0, 1] > 0.8
