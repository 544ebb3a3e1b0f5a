"""`match-outcome` on the real training set; its graph has a file of its own."""

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from matchday.models.match_outcome.candidates import stacking as outcome
from matchday.models.match_outcome.candidates.stacking import (
    MEMBERS,
    NAMES,
    POSITION,
    Parameters,
    contrasts,
    trees_input,
    vectors_of,
)
from matchday.models.match_outcome.recipe import OutcomeRecipe
from matchday.models.trained import BACKGROUND, Trained
from tests import league

QUICK = Parameters(trees=20, first_season="2223", first_held_out="2425")


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    features = league.outcome_features()
    return features[features["season"] >= "2223"].reset_index(drop=True)


def test_training_and_export_give_the_same_bytes_again(rows) -> None:
    first, second = (OutcomeRecipe(QUICK).train(rows) for _ in range(2))
    assert hashlib.sha256(first.graph).hexdigest() == hashlib.sha256(second.graph).hexdigest()
    assert first == second
    shuffled = rows.sample(frac=1, random_state=1)
    assert OutcomeRecipe(QUICK).train(shuffled).trained_until == first.trained_until


def test_a_trained_model_comes_back_as_it_was_saved(rows, tmp_path: Path) -> None:
    trained = OutcomeRecipe(QUICK).train(rows)
    trained.save(tmp_path / "model")
    assert Trained.load(tmp_path / "model") == trained
    assert trained.matches == len(rows)
    assert pd.Timestamp(trained.trained_until) == rows["kickoff"].max() + pd.Timedelta(hours=2)
    assert len(trained.explainer["background"]) == BACKGROUND
    assert set(trained.explainer["labels"]) == set(NAMES)
    assert set(trained.coefficients) == {f"weight_{member}" for member in MEMBERS}


def test_every_member_and_the_pool_give_probabilities_that_beat_chance(rows) -> None:
    past, coming = rows[rows["season"] < "2526"], rows[rows["season"] == "2526"]
    model = outcome.train(past, QUICK)
    result = coming["result"].to_numpy()
    for forecast in (*model.members.forecast(vectors_of(coming)), model.predict(vectors_of(coming))):
        assert forecast.sum(axis=1) == pytest.approx(np.ones(len(coming)))
        assert -np.log(forecast[np.arange(len(coming)), result]).mean() < np.log(3)


def test_held_out_forecasts_of_a_season_know_nothing_of_it_nor_of_later_ones(rows) -> None:
    altered = rows.assign(result=rows["result"].where(rows["season"] < "2425", 2 - rows["result"]))
    ours, theirs = (outcome.held_out_forecasts(table, QUICK).set_index("match_id") for table in (rows, altered))
    seasons = rows.set_index("match_id").loc[ours.index, "season"]
    assert ours[seasons == "2425"].equals(theirs[seasons == "2425"])
    assert not ours[seasons == "2526"].equals(theirs[seasons == "2526"])


def test_trees_see_exact_gaps_and_totals() -> None:
    vectors = np.random.default_rng(0).normal(1500, 100, (50, len(NAMES))).astype(np.float32)
    seen = trees_input(vectors)
    home, away = vectors[:, POSITION["home_elo"]], vectors[:, POSITION["away_elo"]]
    assert np.array_equal(seen[:, 0], home - away)
    assert set(np.abs(contrasts()).sum(axis=0)) == {2.0}
    total = vectors[:, POSITION["home_attack"]] + vectors[:, POSITION["away_attack"]]
    assert np.array_equal(seen[:, -2], total)


def test_too_little_to_learn_from_is_said(rows) -> None:
    with pytest.raises(ValueError, match="needs home wins, draws and away wins"):
        outcome.train(rows[rows["result"] == 0], QUICK)
