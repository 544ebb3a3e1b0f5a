"""The backtest of points on forecasts whose scores are known by hand, and a walk over a slice of the history."""

from functools import cache

import numpy as np
import pandas as pd
import pytest

from matchday.models.player_points import backtest
from matchday.models.player_points.backtest import PointsBacktest, by_gameweek, points_backtest, walk
from matchday.models.player_points.openfpl import PUBLISHED, category, compare
from tests import players

GIVEN = {"season": "2526", "gameweek": 1.0, "player": 1, "forecast": 2.0, "without_flags": 2.0, "given": 4.0}
GIVEN |= {"points": 5, "minutes": 90, "last five": 1.0, "season average": 1.0}


def forecasts(*rows: dict[str, object]) -> pd.DataFrame:
    return pd.DataFrame([GIVEN | row for row in rows])


def test_a_double_gameweek_is_one_row_and_what_was_given_counts_the_matches_played() -> None:
    weekly = by_gameweek(forecasts({}, {"points": 0, "minutes": 0, "given": 3.0}, {"player": 2}))
    both = weekly.set_index("player").loc[1]
    assert (both["forecast"], both["points"], both["given"], both["points_played"]) == (4.0, 5, 4.0, 5)
    assert len(weekly) == 2


def test_the_eleven_highest_of_each_gameweek_are_those_forecast_not_those_scored() -> None:
    rows = [
        {"player": player, "forecast": float(player), "points": player if player > 1 else 50} for player in range(1, 13)
    ]
    later = [{**row, "gameweek": 2.0, "points": 1} for row in rows]
    found = backtest._eleven(by_gameweek(forecasts(*rows, *later)))
    assert found.tolist() == [np.mean(range(2, 13)), 1.0]


@pytest.mark.parametrize(
    ("minutes", "points", "wanted"),
    [(0, 0, "zeros"), (20, 0, "blanks"), (90, 2, "blanks"), (90, 3, "tickers"), (90, 4, "tickers"), (90, 5, "haulers")],
)
def test_categories(minutes, points, wanted) -> None:
    assert category(pd.DataFrame({"minutes": [minutes], "points": [points]})).tolist() == [wanted]


def test_only_the_end_of_24_25_is_compared_with_openfpl() -> None:
    weekly = pd.DataFrame(
        {
            "season": ["2425", "2425", "2526"],
            "gameweek": [32, 31, 32],
            "minutes": 0,
            "points": 0,
            "forecast": [0.5, 9, 9],
        }
    )
    found = compare(weekly).set_index("category")
    assert found.loc["zeros", ["rows", "rmse", "openfpl"]].tolist() == [1, 0.5, PUBLISHED["zeros"]]
    assert found["rows"].sum() == 1


@cache
def walked() -> tuple[pd.DataFrame, pd.DataFrame]:
    rows = players.few()
    return walk(rows[(rows["season"] == "2425") | (rows["gameweek"] <= 6)], ("2526",))


def test_every_row_is_forecast_once_and_horizons_grow_worse() -> None:
    found, horizons = walked()
    rows = players.few()
    wanted = rows[(rows["season"] == "2526") & (rows["gameweek"] <= 6)]
    assert set(found["match_id"] + found["player"].astype(str)) == set(
        wanted["match_id"] + wanted["player"].astype(str)
    )
    assert len(found) == len(wanted)
    assert horizons["weeks_ahead"].tolist()[0] == 0
    assert found["pit"].between(0, 1).all()
    assert (found["without_flags"] != found["forecast"]).any()


def test_a_later_result_changes_no_earlier_forecast() -> None:
    """The last gameweek's results, minutes and defending are others: no forecast of the walk may see it."""
    rows = players.few()
    rows = rows[(rows["season"] == "2425") | (rows["gameweek"] <= 6)]
    last = (rows["season"] == "2526") & (rows["gameweek"] >= 5)
    changed = rows.assign(
        result=rows["result"].where(~last, 20),
        minutes=rows["minutes"].where(~last, 90),
        defensive_contribution=rows["defensive_contribution"].where(~last, 30),
    )
    found, _ = walk(changed, ("2526",))
    for name in ("forecast", "given", "plays"):
        assert found[name].tolist() == walked()[0][name].tolist()


def test_the_backtest_of_a_slice_has_every_row_of_its_table(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = players.few()
    monkeypatch.setattr(backtest, "feature_rows", lambda snapshot: rows)
    monkeypatch.setattr(backtest, "SEASONS", ("2526",))
    monkeypatch.setattr(backtest, "walk", lambda rows, seasons, progress: walked())
    found = points_backtest(None)  # type: ignore[arg-type]
    assert isinstance(found, PointsBacktest)
    bars = {each.what: each.bar for each in found.measures if each.bar}
    assert sorted(bars.values()) == ["<= 0.82", "<= 1.885", "<= 1.92", "<= 2.8", "<= 480", ">= 0.78", ">= 5.6"]
    own = found.forecasters.set_index("forecaster").loc["player-points"]
    assert own["rows"] == found.by_season["rows"].sum()
    assert found.calibration["rows"].sum() == len(found.forecasts)
    assert (found.calibration["said"].diff().dropna() >= 0).all()
