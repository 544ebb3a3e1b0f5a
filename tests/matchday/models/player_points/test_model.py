"""Minutes and points of real players of three clubs."""

import numpy as np
import pandas as pd
import pytest

from matchday.models.player_points.inputs import COLUMN, tree_inputs, vectors_of, weeks_ahead
from matchday.models.player_points.model import PointsForecast, add_matches, first_learnt, fit, seasons_before
from tests import players


def coming() -> pd.DataFrame:
    """Rows that the model has not seen."""
    return players.few()[(players.few()["season"] == "2526") & (players.few()["gameweek"] > 19)]


def forecast() -> PointsForecast:
    return players.model().predict(vectors_of(coming()))


def with_feature(name: str, value: float) -> PointsForecast:
    vectors = vectors_of(coming())
    vectors[:, COLUMN[name]] = value
    return players.model().predict(vectors)


def test_probabilities_of_minutes_add_up_and_means_are_sums_over_minutes() -> None:
    found = forecast()
    assert found.minutes.sum(axis=1) == pytest.approx(np.ones(len(coming())))
    assert (found.minutes >= 0).all()
    assert found.points == pytest.approx(found.minutes[:, 1] * found.some + found.minutes[:, 2] * found.full)
    assert found.given * (1 - found.minutes[:, 0]) == pytest.approx(found.points)


def test_it_learns_who_plays_and_who_scores() -> None:
    rows, found = coming(), forecast()
    plays = 1 - found.minutes[:, 0]
    assert plays[rows["minutes"] > 0].mean() > 0.6 > 0.2 > plays[rows["minutes"] == 0].mean()
    error = np.sqrt(np.mean((found.points - rows["result"]) ** 2))
    assert error < 0.9 * rows["result"].std()


def test_the_distribution_has_the_mean_of_the_forecast_and_its_quantiles_rise() -> None:
    found = forecast()
    assert found.distribution.mean == pytest.approx(found.points, abs=1e-5)
    assert (np.diff(found.quantiles, axis=1) >= 0).all()
    assert (found.quantiles == found.distribution.quantiles((0.1, 0.5, 0.9))).mean() > 0.999


def test_a_player_has_the_forecast_that_he_has_alone() -> None:
    vectors = vectors_of(coming())[:20]
    together = players.model().predict(vectors)
    for row in range(20):
        alone = players.model().predict(vectors[[row]])
        assert alone.points[0] == together.points[row]
        assert (alone.quantiles[0] == together.quantiles[row]).all()


def test_who_is_flagged_as_out_hardly_plays_and_recovers_with_the_weeks() -> None:
    out, unknown = with_feature("flag", 2), with_feature("flag", 0)
    assert np.quantile(out.minutes[:, 0], [0.0, 0.1]) == pytest.approx([1.0, 1.0], abs=0.2)
    assert (out.points <= unknown.points + 1e-12).mean() > 0.95
    later = vectors_of(coming())
    later[:, COLUMN["flag"]], later[:, COLUMN["days_ahead"]] = 2, 30
    assert (players.model().predict(later).minutes[:, 0] < out.minutes[:, 0]).mean() > 0.9


def test_points_for_defending_are_added_for_whole_matches() -> None:
    none, two = with_feature("defensive_points", 0.0), with_feature("defensive_points", 2.0)
    assert two.points - none.points == pytest.approx(2 * none.minutes[:, 2])


def test_of_a_later_week_the_gameweek_has_one_match_after_a_usual_rest() -> None:
    vectors = vectors_of(coming())[:3]
    vectors[:, COLUMN["days_ahead"]] = [6.9, 7.0, 400.0]
    assert weeks_ahead(vectors).tolist() == [0, 1, 7]
    week, matches, rest = tree_inputs(vectors)[:, -3:].T
    assert (week - vectors[:, COLUMN["gameweek"]]).tolist() == [0, 1, 7]
    assert matches.tolist()[1:] == [1, 1]
    assert rest.tolist()[1:] == [7, 7]
    assert rest[0] == vectors[0, COLUMN["team_rest_days"]]


def test_rates_of_goals_are_those_of_the_ratings_and_the_side() -> None:
    vectors = vectors_of(coming())[:2]
    values = {"league_level": 0.2, "league_home_edge": 0.25, "team_attack": 0.1, "team_defence": 0.3}
    for name, value in {**values, "opponent_attack": -0.1, "opponent_defence": -0.2}.items():
        vectors[:, COLUMN[name]] = value
    vectors[:, COLUMN["home"]] = [1, 0]
    scored, conceded = tree_inputs(vectors)[:, -5:-3].T
    assert scored == pytest.approx([0.2 + 0.25 + 0.1 + 0.2, 0.2 + 0.1 + 0.2])
    assert conceded == pytest.approx([0.2 - 0.1 - 0.3, 0.2 + 0.25 - 0.1 - 0.3])


def test_matches_of_a_double_gameweek_are_added() -> None:
    found = forecast()
    means, together = add_matches([found, found])
    assert means == pytest.approx(2 * found.points)
    assert together.mean == pytest.approx(means, abs=1e-5)
    assert add_matches([found])[1].chances == pytest.approx(found.distribution.chances)
    with pytest.raises(ValueError, match="its points are 0"):
        add_matches([])


def test_the_same_matches_in_any_threads_give_the_same_model() -> None:
    vectors = vectors_of(coming())
    assert np.array_equal(fit(players.past()).predict(vectors).points, forecast().points)


def test_a_season_whose_rows_are_of_players_who_played_alone_is_not_learnt_from() -> None:
    rows = players.past()
    early = rows.assign(season=rows["season"].map({"2425": "1516", "2526": "2122"}))
    vectors = vectors_of(coming())
    without = fit(early[early["season"] == "2122"]).predict(vectors)
    assert np.array_equal(fit(early).predict(vectors).points, without.points)
    assert [first_learnt(season) for season in ("2122", "2526")] == ["1617", "1920"]


def test_points_for_defending_are_not_learnt_from() -> None:
    """Who got two more for defending is no other player to the trees: a season whose rule gives 2 more is the same."""
    rows = players.past().copy()
    defended = rows["season"].eq("2526") & rows["position_number"].eq(1) & rows["minutes"].ge(60)
    defended &= rows["defensive_contribution"].fillna(0).lt(10)
    rows.loc[defended, "defensive_contribution"] = 10
    rows.loc[defended, "result"] += 2
    vectors = vectors_of(coming())
    changed, was = (model.predict(vectors) for model in (fit(rows), players.model()))
    assert np.array_equal(changed.points, was.points)


def test_too_few_matches_of_a_kind_are_refused() -> None:
    rows = players.past()
    with pytest.raises(ValueError, match="50 matches with 1-59 minutes, there are 0"):
        fit(rows.assign(minutes=rows["minutes"].where(rows["minutes"] >= 60, 0)))


@pytest.mark.parametrize(("season", "count", "wanted"), [("2526", 3, "2223"), ("2526", 0, "2526"), ("1011", 2, "0809")])
def test_seasons_are_counted_back(season, count, wanted) -> None:
    assert seasons_before(season, count) == wanted
