"""The pool of three members on the real league."""

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from matchday.backtest import walk_forward
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
from matchday.scores.outcome import ranked_probability
from tests import league

QUICK = Parameters(trees=20, first_season="2223", first_held_out="2425")


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    features = league.candidate_features()
    return features[features["season"] >= "2223"].reset_index(drop=True)


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


def test_the_candidates_are_walked_forward_and_see_no_result_of_what_they_forecast(rows) -> None:
    changed = rows.assign(result=rows["result"].where(rows["season"] < "2526", 0))
    ours, theirs = (outcome.forecasters(table, QUICK) for table in (rows, changed))
    assert list(ours) == ["pool", *MEMBERS]
    refit = timedelta(days=400)
    for name in ours:
        walks = [walk_forward(rows, of[name], ("H", "D", "A"), ["2526"], refit) for of in (ours, theirs)]
        assert walks[0].forecasts.equals(walks[1].forecasts)
        assert ranked_probability(walks[0].numbers, walks[0].results).mean() < 0.225
