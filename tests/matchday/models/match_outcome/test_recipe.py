"""Training of `match-outcome` on the real training set, and its baselines."""

import hashlib
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from matchday.models.match_outcome.baselines import baselines, elo_before_matches
from matchday.models.match_outcome.recipe import RECIPE, OutcomeRecipe
from matchday.models.match_outcome.settled_goals import NAMES, Parameters
from matchday.models.trained import BACKGROUND, Trained
from matchday.tables import OutcomeFeatures, validate
from tests import league

QUICK = Parameters(first_season="2223")


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
    assert pd.Timestamp(trained.trained_until) == rows["kickoff"].max() + timedelta(hours=2)
    assert len(trained.explainer["background"]) == BACKGROUND
    assert set(trained.explainer["labels"]) == set(NAMES)
    assert set(trained.coefficients) == {"scored", "conceded", "sharpness", "draw"}
    assert "{" not in "".join(RECIPE.notes(trained))


def test_nothing_to_learn_from_is_said(rows) -> None:
    with pytest.raises(ValueError, match="needs matches from season 2627 on"):
        OutcomeRecipe(Parameters(first_season="2627")).train(rows)


def test_its_training_set_keeps_its_schema_on_every_match() -> None:
    features = validate(OutcomeFeatures, league.outcome_features())
    assert features[list(NAMES)].notna().all(axis=None)
    assert features["home_settled"].mean() == pytest.approx(0.04, abs=0.03)


def test_elo_of_the_baseline_is_that_of_the_ratings_known_before_each_match() -> None:
    """Made of the goals in the training set, so that the baseline is the one that v1 was compared with."""
    candidates = league.candidate_features().set_index("match_id")
    found = elo_before_matches(league.outcome_features())
    assert found.equals(candidates.loc[found.index, ["home_elo", "away_elo"]])


def test_elo_of_a_match_knows_no_result_of_its_day_or_later(rows) -> None:
    day = rows.loc[rows["season"] == "2425", "kickoff"].dt.floor("D").iloc[150]
    later = rows["kickoff"] >= day
    altered = rows.assign(home_goals=rows["home_goals"].where(~later, 9))
    ours, theirs = (elo_before_matches(table) for table in (rows, altered))
    known = rows.loc[rows["kickoff"] < day + timedelta(days=1), "match_id"]
    assert ours.loc[known].equals(theirs.loc[known])
    assert not ours.equals(theirs)


def test_each_baseline_gives_probabilities(rows) -> None:
    past, coming = rows[rows["season"] < "2526"], rows[rows["season"] == "2526"].drop(columns="result")
    for name, forecaster in baselines(rows).items():
        forecast = forecaster(past, coming)
        assert forecast.shape == (380, 3), name
        assert forecast.sum(axis=1) == pytest.approx(np.ones(380))
