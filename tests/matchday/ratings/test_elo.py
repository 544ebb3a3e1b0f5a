"""Elo ratings."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from matchday.ratings.elo import PROMOTED, EloState, expected_score, observe, open_season

TEAMS = ("ARS", "CHE", "LIV", "MCI")
PAIRS = some.permutations(TEAMS).map(lambda teams: tuple(teams[:2]))
RESULTS = some.lists(some.tuples(PAIRS, some.integers(0, 9), some.integers(0, 9)), max_size=60)


def played(state: EloState, results: list[tuple[tuple[str, str], int, int]]) -> EloState:
    for (home, away), home_goals, away_goals in results:
        state = observe(state, home, away, home_goals, away_goals)
    return state


@given(results=RESULTS)
def test_points_are_won_from_the_other_side_and_from_nowhere_else(results) -> None:
    state = played(open_season(EloState(), TEAMS), results)
    assert sum(state.ratings.values()) == pytest.approx(1500 * len(TEAMS))


@given(results=RESULTS, pair=PAIRS, goals=some.tuples(some.integers(0, 9), some.integers(0, 9)))
def test_a_match_moves_its_two_teams_towards_what_happened_by_less_than_the_gain(results, pair, goals) -> None:
    before = played(open_season(EloState(), TEAMS), results)
    after = observe(before, *pair, *goals)
    moved = {team: after.ratings[team] - before.ratings[team] for team in TEAMS}
    assert {team for team in TEAMS if moved[team]} <= set(pair)
    assert abs(moved[pair[0]]) < before.gain
    assert (moved[pair[0]] > 0) if goals[0] > goals[1] else (moved[pair[0]] < 0) if goals[0] < goals[1] else True


@given(results=RESULTS, pair=PAIRS)
def test_without_home_edge_the_expectations_of_both_sides_share_one_match(results, pair) -> None:
    state = played(open_season(EloState(home_edge=0.0), TEAMS), results)
    assert expected_score(state, *pair) + expected_score(state, *reversed(pair)) == pytest.approx(1)


def test_four_hundred_points_are_ten_to_one() -> None:
    state = EloState({"ARS": 1900.0, "CHE": 1500.0}, home_edge=0.0)
    assert expected_score(state, "ARS", "CHE") == pytest.approx(10 / 11)
    assert expected_score(EloState({"ARS": 1500.0, "CHE": 1555.0}), "ARS", "CHE") == pytest.approx(0.5)


def test_all_teams_of_the_first_season_start_level() -> None:
    assert open_season(EloState(), TEAMS).ratings == dict.fromkeys(TEAMS, 1500.0)


def test_a_team_that_comes_up_starts_at_the_prior_whether_it_was_there_before_or_never() -> None:
    first = EloState({"ARS": 1600.0, "CHE": 1400.0})
    second = open_season(first, ["ARS", "LEE"])
    assert second.ratings == {"ARS": 1600.0, "LEE": PROMOTED}
    assert open_season(second, ["ARS", "CHE"]).ratings == {"ARS": 1600.0, "CHE": PROMOTED}
