"""The home edge, with a crowd and without."""

from datetime import UTC, datetime, timedelta
from math import exp, log

import pytest
from hypothesis import given
from hypothesis import strategies as some

from matchday.ratings.home_edge import (
    CLOSED_FROM,
    CLOSED_UNTIL,
    PRIOR,
    HomeEdge,
    HomeEdgeState,
    behind_closed_doors,
    fit,
    observe,
)

START = datetime(2019, 8, 1, 15, tzinfo=UTC)
LATER = START + timedelta(days=900)

matches_of_many_days = some.lists(
    some.tuples(some.integers(0, 800), some.tuples(some.integers(0, 9), some.integers(0, 9))), max_size=30
)


def after(matches) -> HomeEdgeState:
    state = HomeEdgeState()
    for day, goals in matches:
        state = observe(state, START + timedelta(days=day), "ARS", goals)
    return state


@given(matches=matches_of_many_days, random=some.randoms(use_true_random=False))
def test_the_edge_does_not_depend_on_the_order_in_which_matches_were_observed(matches, random) -> None:
    once = list({day: (day, goals) for day, goals in matches}.values())
    assert fit(after(random.sample(once, len(once))), LATER) == fit(after(once), LATER)


@given(matches=matches_of_many_days, day=some.integers(0, 800))
def test_the_edge_as_of_a_moment_knows_no_later_match(matches, day) -> None:
    moment = START + timedelta(days=day)
    assert fit(after(matches), moment) == fit(after([one for one in matches if one[0] < day]), moment)


def test_without_matches_the_edge_is_the_prior_and_half_of_it_behind_closed_doors() -> None:
    edge = fit(HomeEdgeState(), LATER)
    assert (edge.open, edge.closed) == pytest.approx((PRIOR, PRIOR / 2))


def test_matches_with_a_crowd_move_the_open_edge_by_the_ratio_of_their_goals() -> None:
    state = observe(HomeEdgeState(), START, "ARS", (4, 1))
    weight = exp(-0.001 * 10)
    wanted = log((120 * exp(PRIOR) + 4 * weight) / (120 + weight))
    edge = fit(state, START + timedelta(days=10))
    assert (edge.open, edge.closed) == pytest.approx((wanted, log((72 * exp(wanted / 2)) / 72)))


def test_matches_behind_closed_doors_leave_the_open_edge_alone() -> None:
    closed = fit(observe(HomeEdgeState(), CLOSED_FROM, "ARS", (0, 9)), CLOSED_FROM + timedelta(days=1))
    assert closed.open == pytest.approx(PRIOR)
    assert closed.closed < PRIOR / 2


def test_the_edge_of_a_moment_is_that_of_its_crowd() -> None:
    edge = HomeEdge(0.3, 0.1)
    second = timedelta(seconds=1)
    moments = (CLOSED_FROM - second, CLOSED_FROM, CLOSED_UNTIL - second, CLOSED_UNTIL)
    assert [edge.at(moment) for moment in moments] == [0.3, 0.1, 0.1, 0.3]
    assert [behind_closed_doors(moment) for moment in moments] == [False, True, True, False]
