"""`matchday backtest ...`: what it prints and writes, and that the market's comparison reads it."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from console.operations import backtests
from matchday.model_cards.points import PointsScores
from matchday.models.match_outcome.reported import OutcomeBacktest, backtest_outcome
from matchday.models.player_points.backtest import Measured, PointsBacktest
from matchday.sources.clubs import NAMES
from matchday.sources.snapshot import Snapshot
from matchday.tables import Matches
from tests import league
from tests.console.conftest import RunCommand
from tests.matchday.market.season_files import line, season_file

SEASONS = ("2425", "2526")


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> OutcomeBacktest:
    """The backtest of one season, on two."""
    return backtest_outcome(league.bundled(tmp_path_factory.mktemp("history"), SEASONS), seasons=("2526",))


@pytest.fixture
def one_season(home: Path, found: OutcomeBacktest, monkeypatch: pytest.MonkeyPatch) -> None:
    """That backtest, made once for all tests."""

    def backtest(snapshot: Snapshot, progress: Callable[[int, int], None]) -> OutcomeBacktest:
        progress(380, 380)
        return found

    monkeypatch.setattr(backtests, "backtest_outcome", backtest)


def test_the_outcome_backtest_prints_writes_a_card_and_is_read_beside_the_market(
    one_season: None, matchday: RunCommand, tmp_path: Path
) -> None:
    forecasts, card = tmp_path / "new" / "forecasts.parquet", tmp_path / "cards" / "outcome.md"
    ended = matchday("backtest", "outcome", "--forecasts", str(forecasts), "--card", str(card))
    assert (ended.code, ended.stderr) == (0, "")
    lines = ended.stdout.splitlines()
    assert "  380 matches were forecast" in lines
    assert sum(line.startswith("match-outcome ") for line in lines) == 3, "two tables and a heading"
    assert sum(line.startswith("base rate ") for line in lines) == 2
    assert any(line.startswith("2025/26 ") for line in lines)
    text = card.read_text()
    assert "![Calibration by outcome](outcome-calibration.svg)" in text
    assert text.count("| match-outcome |") == 2
    assert "No alarm was raised." in text
    plot = card.with_name("outcome-calibration.svg").read_text()
    assert plot.startswith("<svg") and plot.count('class="bin"') == 30

    odds = tmp_path / "E0.csv"
    odds.write_bytes(season_file(odds_lines()))
    compared = matchday("market", "compare", "--odds", str(odds), "--forecasts", str(forecasts), "--json")
    found = json.loads(compared.stdout)
    assert [(one["moment"], one["matches"]) for one in found["moments"]] == [("pre-match", 3), ("closing", 3)]
    own = pd.read_parquet(forecasts).query("forecaster == 'match-outcome'")
    assert len(own) == 380


def odds_lines() -> list[list[str]]:
    """Three matches of the last season."""
    rows = league.some(Matches, ["2526"]).query("home == 'ARS'").head(3)
    return [
        line(
            NAMES["ARS"],
            NAMES[row.away],
            f"{row.kickoff:%d/%m/%Y}",
            (int(row.home_goals), int(row.away_goals)),
            np.array([1.5, 4.2, 6.5] * 2),
        )
        for row in rows.itertuples()
    ]


def test_a_score_that_is_too_good_ends_with_1_and_says_so(
    one_season: None, matchday: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backtests, "raise_alarms", lambda evaluation: ("RPS is below: look for a leak",))
    ended = matchday("backtest", "outcome")
    assert ended.code == 1
    assert ended.stdout.splitlines()[-1] == "RPS is below: look for a leak"


def points_found() -> PointsBacktest:
    """Made up."""
    measures = (
        Measured("RMSE, all", 1.9104321, "points", "<= 1.92"),
        Measured("PIT between .1 and .9", 0.801, "", ">= 0.78"),
        Measured("features and walk", 5.0, "min", "<= 8"),
    )
    by_season = pd.DataFrame({"season": ["2223", "2324"], "rows": np.array([26_000, 27_000]), "rmse": [1.9, np.nan]})
    calibration = pd.DataFrame({"said": [0.1, 0.9], "happened": [0.12, 0.88], "rows": [100, 100]})
    some = pd.DataFrame({"forecaster": ["player-points", "last five"], "all": [1.91, 2.13]})
    forecasts = pd.DataFrame({"player": [1], "forecast": [2.5]})
    return PointsBacktest(measures, some, by_season, some, some, calibration, forecasts, 300.0)


def test_the_points_backtest_prints_and_its_card_is_written_anew_from_the_scores_alone(
    home: Path, matchday: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backtests, "points_backtest", lambda snapshot, progress: points_found())
    card, again = tmp_path / "points.md", tmp_path / "again" / "points.md"
    forecasts = tmp_path / "forecasts.parquet"
    ended = matchday("backtest", "points", "--card", str(card), "--forecasts", str(forecasts))
    assert (ended.code, ended.stderr) == (0, "")
    assert "RMSE, all" in ended.stdout and "<= 1.92" in ended.stdout
    assert len(pd.read_parquet(forecasts)) == 1
    text = card.read_text()
    assert "| RMSE, all | 1.910 points | <= 1.92 |" in text
    assert "| 2023/24 | 27,000 | - |" in text
    assert "features and walk" not in text, "it depends on the machine"
    assert matchday("backtest", "points", "--card", str(again), "--scores", str(tmp_path / "points.json")).code == 0
    assert again.read_text() == text
    assert (again.parent / "points-calibration.svg").read_bytes() == (tmp_path / "points-calibration.svg").read_bytes()


def test_a_file_that_holds_no_scores_is_told_in_one_line(home: Path, matchday: RunCommand, tmp_path: Path) -> None:
    wrong = tmp_path / "scores.json"
    wrong.write_text('{"measures": []}')
    ended = matchday("backtest", "points", "--card", str(tmp_path / "card.md"), "--scores", str(wrong))
    assert "holds no scores of a points backtest" in ended.refusal


def test_scores_without_a_card_are_a_usage_error(home: Path, matchday: RunCommand, tmp_path: Path) -> None:
    assert matchday("backtest", "points", "--scores", str(tmp_path / "scores.json")).code == 2


def test_scores_are_the_same_bytes_after_a_round_trip(tmp_path: Path) -> None:
    files = [tmp_path / "one.json", tmp_path / "two.json"]
    PointsScores.of(points_found()).save(files[0])
    PointsScores.load(files[0]).save(files[1])
    assert files[0].read_bytes() == files[1].read_bytes()
