"""Attack and defence from goals."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from math import nan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from matchday.models.match_outcome.scoreline import low_score_factor, poisson
from matchday.ratings.goals import (
    DAY,
    HOME_EDGE,
    LEVEL,
    PROMOTED_ATTACK,
    PROMOTED_DEFENCE,
    GoalRatings,
    GoalsState,
    fit,
    observe,
    open_season,
)

START = datetime(2025, 8, 1, 15, tzinfo=UTC)
LATER = START + timedelta(days=400)
TEAMS = ("ARS", "BRE", "CHE", "EVE", "LIV", "MCI")
UNKNOWN = (nan, nan)


@some.composite
def seasons(draw):
    """Some matches, each at a time of its own: (day, home, away, goals, xg)."""
    pairs = draw(some.lists(some.sampled_from(list(permutations(TEAMS, 2))), max_size=40))
    goals = some.tuples(some.integers(0, 9), some.integers(0, 9))
    xg = some.one_of(some.just(UNKNOWN), some.tuples(some.floats(0, 6), some.floats(0, 6)))
    return [(9 * day, *pair, draw(goals), draw(xg)) for day, pair in enumerate(pairs)]


def after(matches, state: GoalsState | None = None) -> GoalsState:
    state = state or open_season(GoalsState(), TEAMS)
    for day, home, away, goals, xg in matches:
        state = observe(state, START + timedelta(days=day), home, away, goals, xg)
    return state


def numbers(ratings: GoalRatings) -> list[float]:
    return [ratings.level, ratings.home_edge, *ratings.attack.values(), *ratings.defence.values(), ratings.low_score]


@given(matches=seasons(), random=some.randoms(use_true_random=False))
def test_ratings_do_not_depend_on_the_order_in_which_matches_were_observed(matches, random) -> None:
    mixed = random.sample(matches, len(matches))
    assert fit(after(mixed), LATER) == fit(after(matches), LATER)


def penalised_likelihood(theta: np.ndarray, matches, state: GoalsState) -> float:
    """The objective, written once more: level, home edge, attacks, defences."""
    attack = dict(zip(TEAMS, theta[2:8], strict=True))
    defence = dict(zip(TEAMS, theta[8:], strict=True))
    total = -state.ridge / 2 * ((theta[0] - LEVEL) ** 2 + (theta[1] - HOME_EDGE) ** 2)
    for team in TEAMS:
        new = team in state.promoted
        ridge = state.promoted_ridge if new else state.ridge
        total -= ridge / 2 * (attack[team] - new * PROMOTED_ATTACK) ** 2
        total -= ridge / 2 * (defence[team] - new * PROMOTED_DEFENCE) ** 2
    for day, home, away, goals, xg in matches:
        weight = np.exp(-state.decay * ((LATER - START).total_seconds() / DAY - day))
        rates = (theta[0] + theta[1] + attack[home] - defence[away], theta[0] + attack[away] - defence[home])
        for log_rate, scored, expected in zip(rates, goals, xg, strict=True):
            value = scored if np.isnan(expected) else state.xg_share * expected + (1 - state.xg_share) * scored
            total += weight * (value * log_rate - np.exp(log_rate))
    return total


@settings(max_examples=40)
@given(matches=seasons(), promoted=some.sets(some.sampled_from(TEAMS)))
def test_the_fit_is_where_the_gradient_of_the_penalised_likelihood_is_zero(matches, promoted) -> None:
    before = [team for team in TEAMS if team not in promoted] or ["LEE"]
    state = after(matches, open_season(open_season(GoalsState(), before), TEAMS))
    theta = np.array(numbers(fit(state, LATER))[:-1])
    for step in np.eye(len(theta)) * 1e-5:
        slope = penalised_likelihood(theta + step, matches, state) - penalised_likelihood(theta - step, matches, state)
        assert abs(slope / 2e-5) < 1e-4


def simulated(strengths: GoalRatings, rounds: int, seed: int, low_score: float = 0.0):
    """Double round robins at constant strengths; scores with Dixon and Coles' dependence."""
    random = np.random.default_rng(seed)
    pairs = list(permutations(strengths.attack, 2)) * rounds
    random.shuffle(pairs)
    home = np.array(
        [strengths.level + strengths.home_edge + strengths.attack[h] - strengths.defence[a] for h, a in pairs]
    )
    away = np.array([strengths.level + strengths.attack[a] - strengths.defence[h] for h, a in pairs])
    home, away = np.exp(home), np.exp(away)
    joint = poisson(home)[:, :, None] * poisson(away)[:, None, :]
    joint = joint * low_score_factor(home, away, np.full(len(pairs), low_score))
    probabilities = joint.reshape(len(pairs), -1) / joint.sum(axis=(1, 2))[:, None]
    scores = [divmod(int(random.choice(probabilities.shape[1], p=row)), joint.shape[2]) for row in probabilities]
    step = 380 / len(pairs)
    return [(i * step, *pair, score, UNKNOWN) for i, (pair, score) in enumerate(zip(pairs, scores, strict=True))]


def league(seed: int) -> GoalRatings:
    random = np.random.default_rng(seed)
    attack, defence = random.normal(0, 0.3, (2, len(TEAMS)))
    attack, defence = attack - attack.mean(), defence - defence.mean()
    return GoalRatings(dict(zip(TEAMS, attack, strict=True)), dict(zip(TEAMS, defence, strict=True)), 0.2, 0.25, 0.0)


@pytest.mark.parametrize("seed", range(3))
def test_known_strengths_are_found_again(seed: int) -> None:
    true = league(seed)
    state = after(simulated(true, 30, seed), open_season(GoalsState(decay=0.0, ridge=0.1), TEAMS))
    found = fit(state, LATER)
    assert found.level == pytest.approx(true.level, abs=0.1)
    assert found.home_edge == pytest.approx(true.home_edge, abs=0.1)
    for team in TEAMS:
        assert found.attack[team] == pytest.approx(true.attack[team], abs=0.15)
        assert found.defence[team] == pytest.approx(true.defence[team], abs=0.15)


@pytest.mark.parametrize(("low_score", "sign"), [(-0.15, -1), (0.09, 1)])
def test_the_low_score_dependence_has_the_sign_of_the_one_that_made_the_scores(low_score: float, sign: int) -> None:
    state = after(simulated(league(0), 40, 1, low_score), open_season(GoalsState(decay=0.0), TEAMS))
    assert 0.03 < sign * fit(state, LATER).low_score <= 0.2


def double_round(day: float, team: str, scored: int):
    """Everybody meets everybody twice and draws 1-1, but one team always scores so many."""
    pairs = enumerate(permutations(TEAMS, 2))
    goals = [(day + i / 40, *pair, tuple(scored if side == team else 1 for side in pair)) for i, pair in pairs]
    return [(*match, UNKNOWN) for match in goals]


def test_what_is_long_ago_weighs_little_and_in_the_end_nothing() -> None:
    matches = double_round(0, "ARS", 5) + double_round(380, "ARS", 1)
    forgetting, remembering = (
        fit(after(matches, open_season(GoalsState(decay=decay), TEAMS)), LATER).attack["ARS"] for decay in (0.02, 0.0)
    )
    assert abs(forgetting) < 0.05
    assert remembering > 0.5
    much_later = LATER + timedelta(days=1300)
    assert fit(after(matches), much_later) == fit(open_season(GoalsState(), TEAMS), much_later)


@pytest.mark.parametrize("goals", [(0, 0), (2, 0), (0, 3), (9, 0), (0, 9)])
def test_the_very_first_match_says_little_of_the_league(goals: tuple[int, int]) -> None:
    ratings = fit(after([(0, "ARS", "CHE", goals, UNKNOWN)]), START + timedelta(hours=9))
    assert abs(ratings.level) < 1.5
    assert abs(ratings.home_edge) < 1.5
    assert max(map(abs, numbers(ratings))) < 2


def test_a_match_counts_from_after_its_kick_off_only() -> None:
    state = after([(0, "ARS", "CHE", (7, 0), UNKNOWN)])
    nothing = fit(open_season(GoalsState(), TEAMS), START)
    assert fit(state, START) == nothing
    assert fit(state, START + timedelta(hours=2)).attack["ARS"] > nothing.attack["ARS"]


def test_teams_without_a_match_have_their_prior() -> None:
    second = open_season(open_season(GoalsState(), TEAMS[:4]), TEAMS)
    ratings = fit(after([(0, "ARS", "CHE", (2, 1), UNKNOWN)], second), LATER)
    for promoted in TEAMS[4:]:
        assert ratings.attack[promoted] == pytest.approx(PROMOTED_ATTACK)
        assert ratings.defence[promoted] == pytest.approx(PROMOTED_DEFENCE)
    assert ratings.attack["EVE"] == pytest.approx(0.0)
    assert set(fit(open_season(GoalsState(), TEAMS), LATER).attack.values()) == {0.0}, "a first season knows no better"


def test_matches_of_a_team_before_it_went_down_count_when_it_comes_back_up() -> None:
    down = open_season(after(double_round(300, "LIV", 4)), TEAMS[:4])
    back = fit(open_season(down, TEAMS), LATER)
    assert back.attack["LIV"] > back.attack["MCI"] + 0.3, "both came up, one of them with a past"


def test_expected_goals_have_their_share_in_what_a_match_says() -> None:
    lucky, good = (after([(0, "ARS", "CHE", (3, 0), xg)]) for xg in ((1.0, 1.0), (3.0, 0.0)))
    assert fit(lucky, LATER).attack["ARS"] < fit(good, LATER).attack["ARS"]
    assert lucky.matches["home_value"][0] == pytest.approx(0.6 * 1.0 + 0.4 * 3)
