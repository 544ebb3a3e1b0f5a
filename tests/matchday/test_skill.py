"""Two versions are compared on the matches that both have forecast, and before kick-off."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as some

from matchday.bundle import write_bundle
from matchday.lake import Lake, LakeError
from matchday.models.skill import FORECASTS, MOVED, before_kickoff, paired, walked
from matchday.registry import Registry, RegistryError
from matchday.results import Results
from matchday.signature import FeatureRef
from matchday.tables import Matches
from tests.signatures import match_signature

MODEL = "match-outcome"
SATURDAY = pd.Timestamp("2026-03-07T15:00:00Z")
PROBABILITIES = some.tuples(*[some.floats(0.01, 1)] * 3).map(lambda weights: tuple(np.array(weights) / sum(weights)))


def forecasts(rows: dict[int, tuple[float, float, float]], first: pd.Timestamp = SATURDAY) -> pd.DataFrame:
    """Forecasts of matches by number, a week apart; result 0, 1, 2, 0, ... ."""
    numbers = list(rows)
    made = pd.DataFrame(list(rows.values()), columns=["H", "D", "A"])
    kickoff = pd.to_datetime([first + timedelta(weeks=number) for number in numbers], utc=True)
    named = made.assign(match_id=[f"m{number}" for number in numbers], result=[number % 3 for number in numbers])
    return named.assign(kickoff=kickoff, season="2526", refit=kickoff)


ROWS = some.dictionaries(some.integers(0, 9), PROBABILITIES)


@given(own=ROWS, other=ROWS)
def test_a_comparison_is_over_what_both_forecast_and_is_its_own_mirror(
    own: dict[int, tuple[float, float, float]], other: dict[int, tuple[float, float, float]]
) -> None:
    gaps = paired(forecasts(own), forecasts(other))
    assert len(gaps) == len(own.keys() & other.keys())
    mirrored = paired(forecasts(other), forecasts(own))
    np.testing.assert_allclose(np.sort(gaps), np.sort(-mirrored), atol=1e-12)
    assert (paired(forecasts(own), forecasts(own)) == 0).all()


def test_a_better_forecast_is_a_negative_difference() -> None:
    better, worse = forecasts({0: (0.8, 0.1, 0.1)}), forecasts({0: (0.1, 0.1, 0.8)})
    # cumulative gaps 0.2, 0.1 against 0.9, 0.8, each squared, summed and halved
    assert paired(better, worse) == pytest.approx((0.04 + 0.01 - 0.81 - 0.64) / 2)


def matches(*rows: tuple[str, str, int, int], kickoff: pd.Timestamp = SATURDAY, season: str = "2526") -> pd.DataFrame:
    """Rows of `Matches`: home, away and their goals."""
    made = pd.DataFrame(rows, columns=["home", "away", "home_goals", "away_goals"])
    ids = [f"{season}-{row.home}-{row.away}" for row in made.itertuples()]
    about = {"match_id": ids, "season": season, "gameweek": 28, "kickoff": kickoff, "kickoff_exact": True}
    frame = made.assign(**about).astype({"gameweek": "Int64", "kickoff": "datetime64[us, UTC]"})
    return frame[[*about, "home", "away", "home_goals", "away_goals"]]


def said(
    time: float, home: str = "ARS", away: str = "LIV", asked: float = 0.0, win: float = 0.5
) -> tuple[str, str, float, float, float, float, float]:
    """A forecast. time, asked: seconds from Saturday's kick-off."""
    start = SATURDAY.timestamp()
    return (home, away, start + asked, start + time, win, 0.2, 0.8 - win)


PLAYED = matches(("ARS", "LIV", 2, 0), ("LIV", "MCI", 1, 1), ("MCI", "BOU", 0, 3))


def test_the_last_forecast_before_kickoff_counts() -> None:
    given = [said(-50, win=0.3), said(-9000, win=0.1), said(-1, win=0.4), said(0, win=0.5), said(60, win=0.6)]
    [row] = before_kickoff(given, PLAYED).to_dict("records")
    assert row == {"match_id": "2526-ARS-LIV", "result": 0, "H": 0.4, "D": 0.2, "A": 0.4}


def test_results_are_home_draw_away() -> None:
    given = [said(-60, "MCI", "BOU"), said(-60, "ARS", "LIV"), said(-60, "LIV", "MCI"), said(-60, "LIV", "ARS")]
    assert dict(before_kickoff(given, PLAYED)[["match_id", "result"]].to_numpy()) == {
        "2526-ARS-LIV": 0,
        "2526-LIV-MCI": 1,
        "2526-MCI-BOU": 2,
    }


def test_a_match_that_was_moved_a_little_is_the_same_and_far_off_another() -> None:
    day = MOVED.total_seconds()
    assert len(before_kickoff([said(-60, asked=day)], PLAYED)) == 1
    assert len(before_kickoff([said(-2 * day, asked=-day)], PLAYED)) == 1
    assert len(before_kickoff([said(-60, asked=day + 1)], PLAYED)) == 0
    again = matches(("ARS", "LIV", 0, 1), kickoff=SATURDAY - timedelta(days=200), season="2425")
    assert before_kickoff([said(-60)], pd.concat([again, PLAYED]))["match_id"].tolist() == ["2526-ARS-LIV"]
    moved_up = matches(("ARS", "LIV", 2, 0), kickoff=SATURDAY - timedelta(days=1))
    assert before_kickoff([said(-60)], moved_up).empty
    assert len(before_kickoff([said(-60), said(-90_000)], moved_up)) == 1


def test_nothing_said_or_nothing_played_is_nothing_compared() -> None:
    nothing = before_kickoff([], PLAYED)
    assert nothing.empty and before_kickoff([said(-60)], PLAYED[:0]).empty
    assert len(paired(nothing, before_kickoff([said(-60)], PLAYED))) == 0
    assert len(paired(nothing, nothing)) == 0


def test_a_corrected_result_is_seen_and_the_same_ones_are_not_read_again(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path))
    results = Results(lake)
    with pytest.raises(LakeError, match="has no table matches"):
        results.matches()
    lake.write(Matches, PLAYED)
    first = results.matches()
    assert first["home_goals"].tolist() == [2, 1, 0]
    assert results.matches() is first
    lake.write(Matches, PLAYED.assign(home_goals=[2, 1, 4]))
    assert results.matches()["home_goals"].tolist() == [2, 1, 4]


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    """Versions 1 and 2 with forecasts of matches 0..9 and 5..14, version 3 with none, 4 with others."""
    folder = tmp_path_factory.mktemp("registry")
    registry = Registry(f"sqlite:///{folder / 'mlflow.db'}")
    for number, spans in enumerate((range(10), range(5, 15), None, range(20, 25)), start=1):
        signature = match_signature([FeatureRef("home_elo", "home", "team_ratings", "elo")], model=MODEL)
        write_bundle(folder / f"b{number}", b"graph", signature, {}, f"# {number}\n")
        attached = {}
        if spans is not None:
            own = forecasts(dict.fromkeys(spans, (0.5 + number / 100, 0.3, 0.2 - number / 100)))
            other = forecasts(dict.fromkeys(range(30), (0.4, 0.3, 0.3)))
            rows = pd.concat([own.assign(forecaster=MODEL), other.assign(forecaster="home share")])
            rows.to_parquet(folder / FORECASTS)
            attached = {FORECASTS: folder / FORECASTS}
        registry.log_run("tests", {}, {"rps": 0.2}, {}, folder / f"b{number}", MODEL, attached)
    return registry


def test_walks_are_compared_over_the_last_weeks_that_both_have(registry: Registry) -> None:
    whole = walked(registry, MODEL, "1", "2", weeks=52)
    assert len(whole) == 5
    assert len(walked(registry, MODEL, "1", "2", weeks=2)) == 2
    np.testing.assert_allclose(walked(registry, MODEL, "1", "2", weeks=2), whole[-2:])
    np.testing.assert_allclose(walked(registry, MODEL, "2", "1", weeks=52), -whole)
    # match 6 was a home win: cumulative gaps 0.49, 0.19 of stable and 0.48, 0.18 of the candidate
    assert whole[1] == pytest.approx((0.48**2 + 0.18**2 - 0.49**2 - 0.19**2) / 2)


def test_versions_that_share_no_match_are_not_compared(registry: Registry) -> None:
    assert len(walked(registry, MODEL, "1", "3", weeks=52)) == 0
    assert len(walked(registry, MODEL, "3", "1", weeks=52)) == 0
    assert len(walked(registry, MODEL, "1", "4", weeks=52)) == 0
    with pytest.raises(RegistryError, match="has no version 9"):
        walked(registry, MODEL, "1", "9", weeks=52)
