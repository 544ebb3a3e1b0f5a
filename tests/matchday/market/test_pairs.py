"""Matches that have a forecast and odds."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from matchday.market.margin import Margin
from matchday.market.odds import read_odds
from matchday.market.pairs import contradictions, pair
from matchday.market.season_file import Moment
from tests.matchday.market.forecast_rows import forecast_rows, odds_of
from tests.matchday.market.season_files import line, season_file

PRE, CLOSING = Moment.PRE_MATCH, Moment.CLOSING
FORECASTS = forecast_rows({"2324-ARS-LIV": (0.5, 0.3, 0.2), "2324-FUL-EVE": (0.4, 0.3, 0.3)})


def test_both_forecasts_of_a_match_stand_in_one_row() -> None:
    odds = odds_of(
        {"2324-FUL-EVE": (3, 0), "2324-ARS-LIV": (1, 0), "2324-WOL-MCI": (1, 0)},
        [("2324-FUL-EVE", CLOSING, 2, 4, 4), ("2324-ARS-LIV", CLOSING, 4, 4, 2), ("2324-WOL-MCI", CLOSING, 2, 3, 4)],
    )
    found = pair(FORECASTS, odds, CLOSING, Margin.SHIN)
    assert found.matches["match_id"].tolist() == ["2324-ARS-LIV", "2324-FUL-EVE"], "by kick-off"
    assert found.model.tolist() == [[0.5, 0.3, 0.2], [0.4, 0.3, 0.3]]
    assert found.market == pytest.approx(np.array([[0.25, 0.25, 0.5], [0.5, 0.25, 0.25]]))
    assert found.books == {"average": 2}
    assert len(pair(FORECASTS, odds, PRE, Margin.SHIN).matches) == 0


def test_a_postponed_match_is_found_by_season_and_clubs_whatever_its_date(tmp_path: Path) -> None:
    """The history has the date on which it was played, the file perhaps the former one."""
    moved = line(date="01/05/2024")
    (tmp_path / "E0.csv").write_bytes(season_file([moved, line("Fulham", "Everton", score=(1, 0))]))
    found = pair(FORECASTS, read_odds(tmp_path), PRE, Margin.SHIN)
    assert found.matches["match_id"].tolist() == ["2324-ARS-LIV", "2324-FUL-EVE"]
    assert found.matches["kickoff"].tolist() == FORECASTS["kickoff"].tolist()


def test_the_return_leg_and_other_seasons_are_other_matches() -> None:
    odds = odds_of(
        {"2324-LIV-ARS": (1, 0), "2223-ARS-LIV": (1, 0)},
        [("2324-LIV-ARS", PRE, 2, 3, 4), ("2223-ARS-LIV", PRE, 2, 3, 4)],
    )
    assert pair(FORECASTS, odds, PRE, Margin.SHIN).matches.empty


def test_matches_without_odds_are_counted() -> None:
    odds = odds_of({"2324-ARS-LIV": (1, 0), "2324-FUL-EVE": (1, 0)}, [("2324-ARS-LIV", PRE, 2, 3, 4)])
    assert pair(FORECASTS, odds, PRE, Margin.SHIN).without_odds == 1
    assert pair(FORECASTS, odds, CLOSING, Margin.SHIN).without_odds == 2


def test_a_match_with_another_result_than_in_the_history_is_left_out() -> None:
    odds = odds_of(
        {"2324-ARS-LIV": (1, 1), "2324-FUL-EVE": (1, 0)},
        [("2324-ARS-LIV", PRE, 2, 3, 4), ("2324-FUL-EVE", PRE, 2, 3, 4)],
    )
    assert pair(FORECASTS, odds, PRE, Margin.SHIN).matches["match_id"].tolist() == ["2324-FUL-EVE"]
    assert contradictions(FORECASTS, odds) == ["2324-ARS-LIV"]


def test_weeks_go_from_monday_to_sunday() -> None:
    days = ["2023-09-15T19:00Z", "2023-09-17T23:59Z", "2023-09-18T00:00Z", "2023-09-24T15:00Z"]
    ids = [f"2324-ARS-{club}" for club in ("LIV", "EVE", "FUL", "MCI")]
    rows = forecast_rows(dict.fromkeys(ids, (0.5, 0.3, 0.2))).assign(kickoff=pd.to_datetime(days, utc=True))
    odds = odds_of(dict.fromkeys(ids, (1, 0)), [(one, PRE, 2, 3, 4) for one in ids])
    weeks = pair(rows, odds, PRE, Margin.SHIN).weeks
    assert (weeks - weeks[0]).tolist() == [0, 0, 1, 1]
