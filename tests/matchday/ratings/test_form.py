"""Recent form."""

from datetime import UTC, datetime, timedelta
from math import nan

import pytest
from hypothesis import given
from hypothesis import strategies as some

from matchday.ratings.form import AVERAGE, LENGTH, PROMOTED, FormState, Performance, mean_of_last, observe, open_season

START = datetime(2025, 8, 1, 15, tzinfo=UTC)
GOALS = some.tuples(some.integers(0, 9), some.integers(0, 9))
CHANCES = some.tuples(some.floats(0, 6), some.floats(0, 6))


def opened() -> FormState:
    return open_season(FormState(), ["ARS", "CHE", "LIV"])


def after(played: list[tuple[tuple[int, int], tuple[float, float]]]) -> FormState:
    state = opened()
    for day, (goals, xg) in enumerate(played):
        state = observe(state, START + timedelta(days=day), "ARS", "CHE", goals, xg)
    return state


@given(played=some.lists(some.tuples(GOALS, CHANCES), max_size=14))
def test_form_is_the_mean_of_the_last_matches_filled_up_from_the_prior(played) -> None:
    state = after(played)
    for span in (5, 10):
        own = [xg for _, (xg, _) in played][-span:]
        filled = [AVERAGE.xg_for] * (span - len(own)) + own
        assert mean_of_last(state, "ARS", span).xg_for == pytest.approx(sum(filled) / span)
        assert mean_of_last(state, "CHE", span).xg_against == pytest.approx(sum(filled) / span)
    assert all(len(recent) == LENGTH for recent in state.recent.values())
    assert mean_of_last(state, "LIV", 10) == Performance(*(pytest.approx(v) for v in vars(AVERAGE).values()))


def test_points_goals_and_times_are_those_of_each_side() -> None:
    state = after([((3, 1), (2.5, 0.5)), ((0, 0), (0.1, 0.2))])
    assert state.recent["ARS"][-2:] == (Performance(3, 3, 1, 2.5, 0.5), Performance(1, 0, 0, 0.1, 0.2))
    assert state.recent["CHE"][-2:] == (Performance(0, 1, 3, 0.5, 2.5), Performance(1, 0, 0, 0.2, 0.1))
    assert state.last_kickoff == {"ARS": START + timedelta(days=1), "CHE": START + timedelta(days=1)}


def test_goals_stand_in_for_expected_goals_that_are_not_known() -> None:
    assert after([((2, 1), (nan, nan))]).recent["ARS"][-1] == Performance(3, 2, 1, 2.0, 1.0)


def test_teams_that_stay_keep_their_form_and_the_others_start_from_the_prior_of_promoted_teams() -> None:
    before = after([((3, 1), (2.5, 0.5))])
    now = open_season(before, ["ARS", "LEE"])
    assert now.recent == {"ARS": before.recent["ARS"], "LEE": (PROMOTED,) * LENGTH}
    assert now.last_kickoff == {"ARS": START}
    assert open_season(now, ["CHE"]).recent["CHE"] == (PROMOTED,) * LENGTH, "who comes back is a stranger"
