"""Forecasts of later gameweeks."""

from dataclasses import replace

import numpy as np
import pytest

from matchday.models.player_points.horizon import NO_AGEING, Ageing, later_rows, learn_ageing, logistic_line
from matchday.models.player_points.inputs import WEEKS, vectors_of
from matchday.tables import validate
from matchday.tables.points_features import PointsFeatures
from tests import players


def test_a_later_row_has_the_match_of_then_and_what_is_known_of_the_player_now() -> None:
    rows = players.few()
    found = later_rows(rows, 3)
    validate(PointsFeatures, found.drop_duplicates(["match_id", "player"]))
    now = rows.drop_duplicates(["season", "gameweek", "player"]).set_index(["season", "gameweek", "player"])
    then = rows.set_index(["match_id", "player"])
    assert len(found) > 100
    for row in found.sample(50, random_state=1).to_dict("records"):
        known = now.loc[(row["season"], row["gameweek"], row["player"])]
        happened = then.loc[(row["match_id"], row["player"])]
        assert happened["gameweek"] == row["gameweek"] + 3
        assert (row["result"], row["minutes"], row["home"]) == tuple(happened[["result", "minutes", "home"]])
        assert (row["price"], row["ever_matches"], row["event_time"]) == tuple(
            known[["price", "ever_matches", "event_time"]]
        )
        assert 8 < row["days_ahead"] <= 56


def test_the_next_opponent_has_the_ratings_of_now() -> None:
    rows = players.few()
    found = later_rows(rows, 2).iloc[0]
    own = rows[(rows["season"] == found["season"]) & (rows["gameweek"] == found["gameweek"])]
    assert found["opponent_attack"] == own.loc[own["team"] == found["opponent"], "team_attack"].iloc[0]


def test_no_week_ahead_is_the_gameweek_itself() -> None:
    rows = players.few()
    found = later_rows(rows, 0).set_index(["match_id", "player"])
    same = rows.set_index(["match_id", "player"]).loc[found.index]
    assert found["price"].equals(same["price"])
    assert (found["result"] == same["result"]).all()


def test_gameweeks_to_look_from_can_be_chosen_and_a_season_ends() -> None:
    assert set(later_rows(players.few(), 1, frozenset({10}))["gameweek"]) == {10.0}
    assert later_rows(players.few(), 1, frozenset({38})).empty


def test_ageing_finds_how_sureness_fades() -> None:
    random = np.random.default_rng(2)
    weeks = np.repeat(np.arange(WEEKS), 4000)
    odds = random.normal(0, 2, len(weeks))
    kept = 0.8**weeks
    found = learn_ageing(odds, weeks, random.random(len(weeks)) < 1 / (1 + np.exp(-(odds * kept - 0.1 * weeks))))
    assert found.slopes == pytest.approx(0.8 ** np.arange(WEEKS), abs=0.12)
    assert found.shifts == pytest.approx(-0.1 * np.arange(WEEKS), abs=0.15)
    assert (found.slopes[0], found.shifts[0]) == (1.0, 0.0)


def test_weeks_of_too_few_rows_do_not_age() -> None:
    few = learn_ageing(np.zeros(30), np.arange(30) % WEEKS, np.ones(30, bool))
    assert np.array_equal(few.slopes, NO_AGEING.slopes)
    assert np.array_equal(few.shifts, NO_AGEING.shifts)


def test_a_line_without_rows_is_the_forecast_itself() -> None:
    assert logistic_line(np.array([]), np.array([], bool)) == (1.0, 0.0)


def test_an_aged_model_is_less_sure_who_plays() -> None:
    vectors = vectors_of(later_rows(players.few(), 3))
    aged = replace(players.model(), ageing=Ageing(np.array([1.0, *[0.5] * 7]), np.zeros(WEEKS)))
    sure, less = (np.abs(model.predict(vectors).minutes[:, 0] - 0.5) for model in (players.model(), aged))
    assert (less <= sure + 1e-12).mean() > 0.9
    now = vectors_of(players.few())[:50]
    assert np.array_equal(aged.predict(now).points, players.model().predict(now).points)
