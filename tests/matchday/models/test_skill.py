"""Two versions are compared on the matches that both have forecast, and before kick-off."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as some

from matchday.lake import Lake, LakeError
from matchday.models.match_outcome.kind import MATCH_OUTCOME
from matchday.models.skill import (
    MOVED,
    GivenForecast,
    last_before_kickoff,
    loss_differences,
    match_differences,
    walk_forward_differences,
)
from matchday.registry import Registry, RegistryError
from matchday.results import Results
from matchday.tables import Matches
from tests.kinds import KIND
from tests.matches import PLAYED, SATURDAY, finished, forecast_of, numbered_forecasts, registry_of_walks

MODEL = "match-outcome"
PROBABILITIES = some.tuples(*[some.floats(0.01, 1)] * 3).map(lambda weights: tuple(np.array(weights) / sum(weights)))


ROWS = some.dictionaries(some.integers(0, 9), PROBABILITIES)


@given(own=ROWS, other=ROWS)
def test_a_comparison_is_over_what_both_forecast_and_is_its_own_mirror(
    own: dict[int, tuple[float, float, float]], other: dict[int, tuple[float, float, float]]
) -> None:
    gaps = loss_differences(MATCH_OUTCOME, numbered_forecasts(own), numbered_forecasts(other))
    assert len(gaps) == len(own.keys() & other.keys())
    mirrored = loss_differences(MATCH_OUTCOME, numbered_forecasts(other), numbered_forecasts(own))
    np.testing.assert_allclose(np.sort(gaps), np.sort(-mirrored), atol=1e-12)
    assert (loss_differences(MATCH_OUTCOME, numbered_forecasts(own), numbered_forecasts(own)) == 0).all()


def test_a_better_forecast_is_a_negative_difference() -> None:
    better, worse = numbered_forecasts({0: (0.8, 0.1, 0.1)}), numbered_forecasts({0: (0.1, 0.1, 0.8)})
    # cumulative gaps 0.2, 0.1 against 0.9, 0.8, each squared, summed and halved
    assert loss_differences(MATCH_OUTCOME, better, worse) == pytest.approx((0.04 + 0.01 - 0.81 - 0.64) / 2)


def test_the_last_forecast_before_kickoff_counts() -> None:
    given = [
        forecast_of(-50, win=0.3),
        forecast_of(-9000, win=0.1),
        forecast_of(-1, win=0.4),
        forecast_of(0, win=0.5),
        forecast_of(60, win=0.6),
    ]
    [row] = last_before_kickoff(MATCH_OUTCOME, given, PLAYED).to_dict("records")
    assert row == {"match_id": "2526-ARS-LIV", "result": 0, "H": 0.4, "D": 0.2, "A": 0.4}


def test_results_are_home_draw_away() -> None:
    given = [
        forecast_of(-60, "MCI", "BOU"),
        forecast_of(-60, "ARS", "LIV"),
        forecast_of(-60, "LIV", "MCI"),
        forecast_of(-60, "LIV", "ARS"),
    ]
    assert dict(last_before_kickoff(MATCH_OUTCOME, given, PLAYED)[["match_id", "result"]].to_numpy()) == {
        "2526-ARS-LIV": 0,
        "2526-LIV-MCI": 1,
        "2526-MCI-BOU": 2,
    }


def test_a_match_that_was_moved_a_little_is_the_same_and_far_off_another() -> None:
    day = MOVED.total_seconds()
    assert len(last_before_kickoff(MATCH_OUTCOME, [forecast_of(-60, asked=day)], PLAYED)) == 1
    assert len(last_before_kickoff(MATCH_OUTCOME, [forecast_of(-2 * day, asked=-day)], PLAYED)) == 1
    assert len(last_before_kickoff(MATCH_OUTCOME, [forecast_of(-60, asked=day + 1)], PLAYED)) == 0
    again = finished(("ARS", "LIV", 0, 1), kickoff=SATURDAY - timedelta(days=200), season="2425")
    assert last_before_kickoff(MATCH_OUTCOME, [forecast_of(-60)], pd.concat([again, PLAYED]))["match_id"].tolist() == [
        "2526-ARS-LIV"
    ]
    moved_up = finished(("ARS", "LIV", 2, 0), kickoff=SATURDAY - timedelta(days=1))
    assert last_before_kickoff(MATCH_OUTCOME, [forecast_of(-60)], moved_up).empty
    assert len(last_before_kickoff(MATCH_OUTCOME, [forecast_of(-60), forecast_of(-90_000)], moved_up)) == 1


def test_nothing_said_or_nothing_played_is_nothing_compared() -> None:
    nothing = last_before_kickoff(MATCH_OUTCOME, [], PLAYED)
    assert nothing.empty and last_before_kickoff(MATCH_OUTCOME, [forecast_of(-60)], PLAYED[:0]).empty
    assert (
        len(loss_differences(MATCH_OUTCOME, nothing, last_before_kickoff(MATCH_OUTCOME, [forecast_of(-60)], PLAYED)))
        == 0
    )
    assert len(loss_differences(MATCH_OUTCOME, nothing, nothing)) == 0


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
    return registry_of_walks(tmp_path_factory.mktemp("registry"))


def test_walks_are_compared_over_the_last_weeks_that_both_have(registry: Registry) -> None:
    whole = walk_forward_differences(registry, MODEL, "1", "2", weeks=52)
    assert len(whole) == 5
    assert len(walk_forward_differences(registry, MODEL, "1", "2", weeks=2)) == 2
    np.testing.assert_allclose(walk_forward_differences(registry, MODEL, "1", "2", weeks=2), whole[-2:])
    np.testing.assert_allclose(walk_forward_differences(registry, MODEL, "2", "1", weeks=52), -whole)
    # match 6 was a home win: cumulative gaps 0.49, 0.19 of stable and 0.48, 0.18 of the candidate
    assert whole[1] == pytest.approx((0.48**2 + 0.18**2 - 0.49**2 - 0.19**2) / 2)


def test_versions_that_share_no_match_are_not_compared(registry: Registry) -> None:
    assert len(walk_forward_differences(registry, MODEL, "1", "3", weeks=52)) == 0
    assert len(walk_forward_differences(registry, MODEL, "3", "1", weeks=52)) == 0
    assert len(walk_forward_differences(registry, MODEL, "1", "4", weeks=52)) == 0
    with pytest.raises(RegistryError, match="has no version 9"):
        walk_forward_differences(registry, MODEL, "1", "9", weeks=52)


MINUTE, DAY = 60.0, 86_400.0


def appearances(*rows: tuple[int, str, str, float, int]) -> pd.DataFrame:
    """Players' matches: player, club, opponent, days after Saturday, points."""
    made = pd.DataFrame(rows, columns=["player", "team", "opponent", "days", "points"])
    kickoff = SATURDAY + pd.to_timedelta(made["days"], unit="D")
    ids = "2526-" + made["team"] + "-" + made["opponent"]
    return made.drop(columns="days").assign(match_id=ids, kickoff=kickoff)


def of_player(player: int, opponent: str, days: float, points: float, early: float = MINUTE) -> GivenForecast:
    """A forecast for a player of ARS. early: seconds before the kick-off that it was given."""
    asked = SATURDAY.timestamp() + days * DAY
    return GivenForecast((player, "ARS", opponent), asked, asked - early, (points,))


DOUBLE = appearances((7, "ARS", "LIV", 0, 2), (7, "ARS", "MCI", 2, 9), (8, "ARS", "LIV", 0, 1), (9, "MCI", "LIV", 2, 3))


def test_forecasts_of_players_are_those_of_their_own_match() -> None:
    """Also in a double gameweek, whose matches are closer together than a kick-off may be moved."""
    given = [of_player(7, "LIV", 0, 3.0), of_player(7, "MCI", 2, 4.0), of_player(8, "LIV", 0, 5.0, -MINUTE)]
    given += [of_player(7, "LIV", 0, 1.0, early=DAY), of_player(9, "LIV", 2, 1.0)]
    found = last_before_kickoff(KIND, given, DOUBLE).to_dict("records")
    assert found == [
        {"match_id": "2526-ARS-LIV", "player": 7, "result": 2, "points": 3.0},
        {"match_id": "2526-ARS-MCI", "player": 7, "result": 9, "points": 4.0},
    ]
    assert last_before_kickoff(KIND, [], DOUBLE).empty


def test_of_two_matches_that_fit_the_nearer_one_is_meant() -> None:
    kind = replace(KIND, inputs=KIND.inputs[:1])
    given = [
        each._replace(entities=each.entities[:1]) for each in (of_player(7, "", 0.5, 3.0), of_player(7, "", 1.5, 4.0))
    ]
    found = last_before_kickoff(kind, [each._replace(time=each.time - DAY) for each in given], DOUBLE)
    assert found[["match_id", "points"]].to_numpy().tolist() == [["2526-ARS-LIV", 3.0], ["2526-ARS-MCI", 4.0]]


def test_players_are_compared_by_match_and_player_and_counted_by_match() -> None:
    """The players of a match are one piece of evidence."""
    own = DOUBLE.assign(result=DOUBLE["points"], points=[2.0, 8.0, 3.0, 3.0])
    other = DOUBLE.assign(result=DOUBLE["points"], points=[4.0, 9.0, 1.0, 5.0]).drop(index=3)
    np.testing.assert_allclose(loss_differences(KIND, own, other), [-4, 1, 4])
    np.testing.assert_allclose(match_differences(KIND, own, other), [0, 1])
    matches = numbered_forecasts({0: (0.8, 0.1, 0.1), 1: (0.2, 0.3, 0.5)})
    worse = numbered_forecasts({0: (0.1, 0.1, 0.8), 1: (0.3, 0.3, 0.4)})
    of_rows, of_matches = (one(MATCH_OUTCOME, matches, worse) for one in (loss_differences, match_differences))
    np.testing.assert_allclose(of_rows, of_matches)
