"""Walk-forward evaluation."""

from datetime import timedelta

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as some

from matchday.backtest import RESULTS, walk_forward
from matchday.features.team import FULL_TIME
from matchday.models.kind import Subject
from matchday.scores.outcome import CLASSES, outcome_scores

OPENING = {"2324": "2023-08-11", "2425": "2024-08-16", "2526": "2025-08-15"}
UNIFORM = np.array([0.4, 0.3, 0.3])


def rows(offsets: dict[str, list[int]]) -> pd.DataFrame:
    """Matches at so many hours after each season's opening."""
    parts = [
        {
            "match_id": f"{season}-{i}",
            "season": season,
            "kickoff": pd.Timestamp(OPENING[season], tz="UTC") + timedelta(hours=hours),
            "result": (7 * i + hours) % 3,
            "home_goals": i % 4,
            "away_goals": hours % 3,
            "minutes": 90,
            "defensive_contribution": i % 9,
        }
        for season, times in offsets.items()
        for i, hours in enumerate(times)
    ]
    return pd.DataFrame(parts).sample(frac=1, random_state=4)


HOURS = some.lists(some.integers(0, 280 * 24), min_size=1, max_size=60)
OFFSETS = some.fixed_dictionaries(dict.fromkeys(OPENING, HOURS))


@settings(max_examples=50)
@given(offsets=OFFSETS, refit=some.integers(1, 90))
def test_each_match_is_forecast_once_from_matches_that_had_ended_and_without_its_result(offsets, refit: int) -> None:
    table, asked = rows(offsets), []

    def forecaster(past: pd.DataFrame, coming: pd.DataFrame) -> np.ndarray:
        assert not set(RESULTS) & set(coming), "neither the result nor anything else that happened"
        assert not len(past) or (past["kickoff"] + FULL_TIME).max() <= coming["kickoff"].min()
        assert coming["kickoff"].max() - coming["kickoff"].min() < timedelta(days=refit)
        assert len(set(coming["season"])) == 1
        assert len(past) == (table["kickoff"] + FULL_TIME <= coming["kickoff"].min()).sum(), "all that had ended"
        asked.extend(coming["match_id"])
        return np.tile(UNIFORM, (len(coming), 1))

    walk = walk_forward(table, forecaster, CLASSES, ["2425", "2526"], timedelta(days=refit))
    expected = table.loc[table["season"] > "2324"]
    assert sorted(asked) == sorted(expected["match_id"])
    kept = walk.forecasts.set_index("match_id")
    assert kept.loc[expected["match_id"], "result"].tolist() == expected["result"].tolist()
    assert (kept["refit"] <= kept["kickoff"]).all()


def test_who_looks_for_the_results_to_come_finds_none() -> None:
    table = rows({season: list(range(0, 6000, 30)) for season in OPENING})

    def peeking(past: pd.DataFrame, coming: pd.DataFrame) -> np.ndarray:
        found = coming[["match_id"]].merge(past[["match_id", "result"]], on="match_id")
        certain = np.eye(3)[found["result"].to_numpy(int)]
        return certain if len(certain) == len(coming) else np.tile(UNIFORM, (len(coming), 1))

    walk = walk_forward(table, peeking, CLASSES, ["2526"])
    assert outcome_scores(walk.numbers, walk.results)["accuracy"] < 0.5


def test_rows_stay_with_their_forecasts() -> None:
    table = rows({season: list(range(0, 3000, 30)) for season in OPENING})

    def by_name(past: pd.DataFrame, coming: pd.DataFrame) -> np.ndarray:
        number = coming["match_id"].str.rpartition("-")[2].astype(int).to_numpy() / 1000
        return np.column_stack([number, 1 - number, 0 * number])

    forecasts = walk_forward(table, by_name, CLASSES, ["2425", "2526"]).forecasts
    assert (forecasts["H"] * 1000).round().astype(int).tolist() == [
        int(match.rpartition("-")[2]) for match in forecasts["match_id"]
    ]
    assert forecasts["kickoff"].is_monotonic_increasing


def test_progress_ends_at_all_matches() -> None:
    told: list[tuple[int, int]] = []
    table = rows({season: list(range(0, 3000, 30)) for season in OPENING})
    walk_forward(
        table,
        lambda past, coming: np.tile(UNIFORM, (len(coming), 1)),
        CLASSES,
        ["2526"],
        progress=lambda done, total: told.append((done, total)),
    )
    assert told[-1] == (100, 100)
    assert told == sorted(told)


def test_a_model_of_one_number_is_walked_like_one_of_several() -> None:
    table = rows({"2324": [0], "2425": [0, 24, 48], "2526": [0, 24, 48, 72]})
    walk = walk_forward(table, lambda past, coming: np.full(len(coming), len(past)), ["goals"], ["2425", "2526"])
    assert walk.numbers.tolist() == [[1]] * 3 + [[4]] * 4
    assert walk.in_season("2526").forecasts["match_id"].tolist() == [f"2526-{i}" for i in range(4)]
    assert len(walk.in_season("1415").results) == 0


def test_a_gameweek_of_players_is_forecast_by_one_fit_that_knows_nothing_after_its_deadline() -> None:
    """Two players a match, three matches a gameweek on two days; forecasts are of the deadline before all of them."""
    matches = pd.DataFrame(
        [
            {"season": season, "week": week, "hours": 168 * week + hours, "match_id": f"{season}-{week}-{hours}"}
            for season in ("2425", "2526")
            for week in range(12)
            for hours in (2, 5, 50)
        ]
    )
    opening = pd.to_datetime(matches["season"].map(OPENING), utc=True)
    matches["kickoff"] = opening + pd.to_timedelta(matches["hours"], unit="h")
    matches["event_time"] = opening + pd.to_timedelta(168 * matches["week"], unit="h")
    table = pd.concat([matches.assign(player=player, result=player) for player in (1, 2)]).sample(
        frac=1, random_state=1
    )
    weeks: list[tuple[str, int]] = []

    def forecaster(past: pd.DataFrame, coming: pd.DataFrame) -> np.ndarray:
        assert past.empty or (past["kickoff"] + FULL_TIME).max() <= coming["event_time"].min()
        weeks.extend({*zip(coming["season"], coming["week"], strict=True)})
        return coming["player"].to_numpy(float)

    keys = ("match_id", "player")
    walk = walk_forward(
        table, forecaster, ["points"], ["2526"], timedelta(days=10), keys=keys, moment=Subject.APPEARANCE.moment
    )
    assert sorted(weeks) == [("2526", week) for week in range(12)], "no gameweek is cut in two"
    assert not walk.forecasts.duplicated(list(keys)).any() and len(walk.forecasts) == 12 * 3 * 2
    assert (walk.forecasts["points"] == walk.forecasts["player"]).all()
    assert (walk.results == walk.forecasts["player"]).all()
