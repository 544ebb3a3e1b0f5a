"""A few invented matches, forecasts of them, and a registry of versions that forecast them."""

from datetime import timedelta
from pathlib import Path

import pandas as pd

from matchday.bundle import write_bundle
from matchday.models.skill import FORECASTS, GivenForecast
from matchday.registry import Registry
from matchday.signature import FeatureRef
from tests.registries import prepare
from tests.signatures import match_signature

MODEL = "match-outcome"
SATURDAY = pd.Timestamp("2026-03-07T15:00:00Z")


def numbered_forecasts(rows: dict[int, tuple[float, float, float]], first: pd.Timestamp = SATURDAY) -> pd.DataFrame:
    """Forecasts of matches by number, a week apart; result 0, 1, 2, 0, ... ."""
    numbers = list(rows)
    made = pd.DataFrame(list(rows.values()), columns=["H", "D", "A"])
    kickoff = pd.to_datetime([first + timedelta(weeks=number) for number in numbers], utc=True)
    named = made.assign(match_id=[f"m{number}" for number in numbers], result=[number % 3 for number in numbers])
    return named.assign(kickoff=kickoff, season="2526", refit=kickoff)


def finished(*rows: tuple[str, str, int, int], kickoff: pd.Timestamp = SATURDAY, season: str = "2526") -> pd.DataFrame:
    """Rows of `Matches`: home, away and their goals."""
    made = pd.DataFrame(rows, columns=["home", "away", "home_goals", "away_goals"])
    ids = [f"{season}-{row.home}-{row.away}" for row in made.itertuples()]
    about = {"match_id": ids, "season": season, "gameweek": 28, "kickoff": kickoff, "kickoff_exact": True}
    frame = made.assign(**about).astype({"gameweek": "Int64", "kickoff": "datetime64[us, UTC]"})
    return frame[[*about, "home", "away", "home_goals", "away_goals"]]


def forecast_of(
    time: float, home: str = "ARS", away: str = "LIV", asked: float = 0.0, win: float = 0.5
) -> GivenForecast:
    """A forecast. time, asked: seconds from Saturday's kick-off."""
    start = SATURDAY.timestamp()
    return GivenForecast((home, away), start + asked, start + time, (win, 0.2, 0.8 - win))


PLAYED = finished(("ARS", "LIV", 2, 0), ("LIV", "MCI", 1, 1), ("MCI", "BOU", 0, 3))


def registry_of_walks(folder: Path) -> Registry:
    """Versions 1 and 2 with forecasts of matches 0..9 and 5..14, version 3 with none, 4 with others."""
    registry = prepare(f"sqlite:///{folder / 'mlflow.db'}")
    for number, spans in enumerate((range(10), range(5, 15), None, range(20, 25)), start=1):
        signature = match_signature([FeatureRef("home_elo", "home", "team_ratings", "elo")], model=MODEL)
        write_bundle(folder / f"b{number}", b"graph", signature, {}, f"# {number}\n")
        attached = {}
        if spans is not None:
            own = numbered_forecasts(dict.fromkeys(spans, (0.5 + number / 100, 0.3, 0.2 - number / 100)))
            other = numbered_forecasts(dict.fromkeys(range(30), (0.4, 0.3, 0.3)))
            rows = pd.concat([own.assign(forecaster=MODEL), other.assign(forecaster="home share")])
            rows.to_parquet(folder / FORECASTS)
            attached = {FORECASTS: folder / FORECASTS}
        registry.log_run("tests", {}, {"rps": 0.2}, {}, folder / f"b{number}", MODEL, attached)
    return registry
