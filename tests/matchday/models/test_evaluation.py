"""An evaluation of players' matches: by match and player, saved, read again, judged and told."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from matchday.models.evaluation import Evaluation, evaluate
from matchday.models.gate import judge
from tests.kinds import KIND, NAME, RECIPE, by_hand


def training_rows() -> pd.DataFrame:
    """Three seasons of one match a week with four players; the result is about what the model forecasts."""
    random = np.random.default_rng(3)
    rows = []
    for season, opening in (("2324", "2023-08-12"), ("2425", "2024-08-17"), ("2526", "2025-08-16")):
        for week in range(30):
            kickoff = pd.Timestamp(opening, tz="UTC") + pd.Timedelta(weeks=week, hours=15)
            about = {"season": season, "match_id": f"{season}-ARS-{week:03}", "kickoff": kickoff}
            rows += [
                {**about, "event_time": kickoff - pd.Timedelta(minutes=90), "player": player} for player in range(4)
            ]
    table = pd.DataFrame(rows)
    vectors = pd.DataFrame(random.normal(1, 1, (len(table), 6)), columns=list(KIND.feature_names))
    return table.join(vectors).assign(result=by_hand(vectors).round().astype(int))


def test_players_matches_are_evaluated_by_match_and_player(tmp_path: Path) -> None:
    evaluation = evaluate(RECIPE, training_rows())
    assert len(evaluation.own.forecasts) == 30 * 4
    assert not evaluation.own.forecasts.duplicated(["match_id", "player"]).any()
    assert evaluation.summary().endswith("on 120 players' matches")
    evaluation.save(tmp_path / "forecasts.parquet")
    read = Evaluation.load(KIND, tmp_path / "forecasts.parquet")
    pd.testing.assert_frame_equal(read.own.forecasts, evaluation.own.forecasts)
    assert judge(read).passed
    strict = replace(KIND, gate=replace(KIND.gate, least_matches=500))
    [reason] = judge(replace(read, kind=strict)).reasons
    assert reason == "only 120 players' matches were forecast, 500 are needed"
    assert read.walks.keys() == {NAME, "nothing"}
