"""Simple forecasts of points."""

import numpy as np
import pandas as pd
import pytest

from matchday.models.player_points.baselines import baselines, simple_forecasts
from tests import players


def test_means_are_of_gameweeks_before_also_in_a_double_one() -> None:
    rows = players.few()
    found = simple_forecasts(rows)
    for place in np.random.default_rng(4).choice(len(rows), 60, replace=False):
        row = rows.iloc[place]
        his = rows[(rows["player"] == row["player"]) & (rows["event_time"] < row["event_time"])].sort_values("kickoff")
        season = his[his["season"] == row["season"]]
        assert found["last five"].iloc[place] == pytest.approx(his["result"].tail(5).mean() if len(his) else 0.0)
        assert found["season average"].iloc[place] == pytest.approx(season["result"].mean() if len(season) else 0.0)


def test_they_forecast_rows_that_come_without_results_in_any_order() -> None:
    rows = players.few()
    coming = rows[rows["gameweek"] == 10].sample(frac=1, random_state=0)
    wanted = simple_forecasts(rows).loc[coming.index]
    for name, forecast in baselines(rows).items():
        assert forecast(rows.iloc[:0], coming.drop(columns="result")).tolist() == wanted[name].tolist()


def test_a_result_changes_no_forecast_of_its_own_gameweek() -> None:
    rows = players.few()
    last = rows["event_time"] == rows["event_time"].max()
    changed = rows.assign(result=rows["result"].where(~last, 30))
    pd.testing.assert_frame_equal(simple_forecasts(changed), simple_forecasts(rows))
