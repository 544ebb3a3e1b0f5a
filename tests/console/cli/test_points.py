"""`matchday points`: what it prints of forecasts that are made elsewhere."""

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pandas as pd
import pytest

from console.cli.app import app
from console.operations import player_forecasts
from console.operations.player_forecasts import UnknownChoiceError
from matchday.calendar import CalendarError
from matchday.forecasts.coming import ComingMatches
from matchday.forecasts.player_points import ComingPoints
from matchday.forecasts.scheduled import ScheduledMatch
from tests.console.conftest import Printed

MOMENT = datetime(2026, 4, 18, 10, tzinfo=UTC)
PLAYERS = pd.DataFrame(
    {
        "gameweek": [33, 33, 34],
        "player": [118748, 223094, 118748],
        "name": ["Mohamed Salah", "Erling Haaland", "Mohamed Salah"],
        "position": ["MID", "FWD", "MID"],
        "team": ["LIV", "MCI", "LIV"],
        "matches": ["EVE (A)", "ARS (H), BUR (A)", "CRY (H)"],
        "points": [5.251, 9.5, 4.0],
        "plays": [0.93, 0.9, 0.8],
        "low": [1.0, None, 0.0],
        "high": [12.0, None, 11.0],
    }
)
MATCH = ScheduledMatch("2526-EVE-LIV", "2526", 33, MOMENT, "EVE", "LIV")
FOUND = ComingPoints(ComingMatches(MOMENT, "2526", (33, 34), (MATCH,)), "3", PLAYERS, ("gameweek 34 has no match",))


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(player_forecasts, "forecast_players", lambda as_of, weeks: FOUND)


@pytest.fixture
def run(made: None, printed: Printed, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    def called(*arguments: str) -> str:
        told = printed.by(lambda: app(["points", *arguments], standalone_mode=False))
        return told + capsys.readouterr().out

    return called


def words(text: str) -> str:
    return " ".join(text.split())


def test_players_are_printed_with_their_matches_and_what_there_is_to_know(run: Callable[..., str]) -> None:
    told = words(run("--weeks", "2"))
    assert told.startswith("gameweeks 33, 34 of 2025/26: 2 players, by player-points version 3")
    assert "Mohamed Salah MID LIV EVE (A) 33 5.25 93% 1 to 12" in told
    assert "Erling Haaland FWD MCI ARS (H), BUR (A) 33 9.50 90% -" in told
    assert told.endswith("gameweek 34 has no match")


def test_positions_clubs_and_the_best_of_each_gameweek_are_chosen(run: Callable[..., str]) -> None:
    assert "Haaland" not in run("--position", "mid")
    assert "Salah" not in run("--team", "mci")
    assert run("--top", "1").count("LIV") == 2
    with pytest.raises(UnknownChoiceError, match="no team 'LEE'; there are: LIV, MCI"):
        run("--team", "LEE")


def test_as_json_nothing_is_rounded_and_what_is_not_there_is_null(run: Callable[..., str]) -> None:
    said = json.loads(run("--json", "--top", "1"))
    assert (said["season"], said["gameweeks"], said["version"]) == ("2526", [33, 34], "3")
    assert [row["points"] for row in said["players"]] == [5.251, 9.5, 4.0]
    assert said["players"][1]["low"] is None


def test_a_moment_that_is_still_to_come_is_refused() -> None:
    with pytest.raises(CalendarError, match="choose a moment until now"):
        player_forecasts.forecast_players("2999-01-01", 1)
