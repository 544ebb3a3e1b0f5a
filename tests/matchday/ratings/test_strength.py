"""Attack and defence over several memories."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from math import exp, nan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from scipy.optimize import minimize

from matchday.ratings.goals import LEVEL, PROMOTED_ATTACK, PROMOTED_DEFENCE
from matchday.ratings.home_edge import CLOSED_FROM, CLOSED_UNTIL, HomeEdge
from matchday.ratings.strength import UNKNOWN, Strengths, StrengthState, fit, observe, open_season, response

START = datetime(2023, 8, 1, 15, tzinfo=UTC)
LATER = START + timedelta(days=400)
TEAMS = ("ARS", "BRE", "CHE", "EVE", "LIV")
EDGE = HomeEdge(open=0.25, closed=0.1)


@some.composite
def seasons(draw):
    """Some matches, each at a time of its own: (day, home, away, goals, xg, stand_in)."""
    pairs = draw(some.lists(some.sampled_from(list(permutations(TEAMS, 2))), max_size=30))
    goals = some.tuples(some.integers(0, 9), some.integers(0, 9))
    xg = some.one_of(some.just(UNKNOWN), some.tuples(some.floats(0, 6), some.floats(0, 6)))
    return [(9 * day, *pair, draw(goals), draw(xg), draw(xg)) for day, pair in enumerate(pairs)]


def after(matches, state: StrengthState | None = None, start: datetime = START) -> StrengthState:
    state = state or open_season(StrengthState(), TEAMS)
    for day, home, away, goals, *more in matches:
        state = observe(state, start + timedelta(days=day), home, away, goals, *more)
    return state


def numbers(found: Strengths) -> list[float]:
    return [found.level, *found.attack.values(), *found.defence.values()]


@given(matches=seasons(), random=some.randoms(use_true_random=False))
@settings(deadline=None)
def test_strengths_do_not_depend_on_the_order_in_which_matches_were_observed(matches, random) -> None:
    mixed = random.sample(matches, len(matches))
    assert fit(after(mixed), LATER, EDGE) == fit(after(matches), LATER, EDGE)


@given(matches=seasons(), day=some.integers(0, 300))
@settings(deadline=None)
def test_strengths_as_of_a_moment_know_no_later_match(matches, day) -> None:
    moment = START + timedelta(days=day)
    assert fit(after(matches), moment, EDGE) == fit(after([one for one in matches if one[0] < day]), moment, EDGE)


@pytest.mark.parametrize("start", [START, CLOSED_FROM], ids=["crowd", "closed doors"])
def test_the_fit_of_one_memory_maximises_the_penalised_likelihood(start) -> None:
    matches = [
        (0, "ARS", "BRE", (3, 0)),
        (4, "CHE", "ARS", (1, 1)),
        (9, "BRE", "CHE", (0, 2)),
        (11, "LIV", "EVE", (2, 2)),
    ]
    state = open_season(open_season(StrengthState(decays=(0.01,)), TEAMS[:4]), TEAMS)  # LIV comes up
    state, moment = after(matches, state, start), start + timedelta(days=20)
    edge = EDGE.at(start)

    def loss(theta: np.ndarray) -> float:
        attack, defence = (dict(zip(TEAMS, part, strict=True)) for part in np.split(theta[1:], 2))
        total = 0.0
        for day, home, away, goals in matches:
            logs = (theta[0] + edge + attack[home] - defence[away], theta[0] + attack[away] - defence[home])
            likelihood = sum(scored * log - exp(log) for scored, log in zip(goals, logs, strict=True))
            total -= exp(-0.01 * (20 - day)) * likelihood
        prior = np.array([LEVEL, *[0.0] * 4, PROMOTED_ATTACK, *[0.0] * 4, PROMOTED_DEFENCE])
        ridge = np.array([1.0, *[1.0] * 4, 3.0, *[1.0] * 4, 3.0])
        return total + float(ridge @ (theta - prior) ** 2) / 2

    wanted = minimize(loss, np.zeros(11), options={"gtol": 1e-7}).x
    assert numbers(fit(state, moment, EDGE)) == pytest.approx(wanted.tolist(), abs=1e-5)


def test_strengths_are_the_mean_of_those_of_each_memory() -> None:
    matches = [(7 * day, *pair, (day % 4, day % 3)) for day, pair in enumerate(permutations(TEAMS, 2))]
    decays = (0.001, 0.02)
    alone = [
        numbers(fit(after(matches, open_season(StrengthState(decays=(decay,)), TEAMS)), LATER, EDGE))
        for decay in decays
    ]
    both = fit(after(matches, open_season(StrengthState(decays=decays), TEAMS)), LATER, EDGE)
    assert numbers(both) == pytest.approx(np.mean(alone, axis=0).tolist())


def test_without_matches_strengths_are_the_priors() -> None:
    state = open_season(open_season(StrengthState(), TEAMS[:4]), TEAMS)
    found = fit(state, LATER, EDGE)
    assert found.level == pytest.approx(LEVEL)
    assert found.attack == pytest.approx(dict.fromkeys(TEAMS, 0.0) | {"LIV": PROMOTED_ATTACK})
    assert found.defence == pytest.approx(dict.fromkeys(TEAMS, 0.0) | {"LIV": PROMOTED_DEFENCE})


def test_a_goal_behind_closed_doors_says_more_of_a_home_team() -> None:
    """The same result, on which less of the home edge is counted."""
    match = [(0, "ARS", "BRE", (4, 1))]
    closed = after(match, start=CLOSED_UNTIL - timedelta(days=1))
    crowd = after(match, start=CLOSED_UNTIL)
    moment = CLOSED_UNTIL + timedelta(days=2)
    assert fit(closed, moment, EDGE).attack["ARS"] > fit(crowd, moment, EDGE).attack["ARS"]


def test_the_response_takes_expected_goals_then_what_stands_in_then_goals() -> None:
    state = open_season(StrengthState(xg_share=0.75, stand_in_share=0.5), TEAMS)
    state = observe(state, START, "ARS", "BRE", (4, 0), (2.0, nan), (1.0, 2.0))
    state = observe(state, START, "CHE", "EVE", (4, 0), UNKNOWN, (1.0, nan))
    assert response(state, state.matches).tolist() == [[2.5, 1.0], [2.5, 0.0]]


def test_matches_beyond_the_horizon_are_forgotten() -> None:
    state = observe(open_season(StrengthState(horizon=10), TEAMS), START, "ARS", "BRE", (9, 0))
    assert fit(state, START + timedelta(days=11), EDGE) == fit(open_season(StrengthState(), TEAMS), LATER, EDGE)
    assert len(observe(state, START + timedelta(days=11), "CHE", "EVE", (0, 0)).matches) == 1
