"""Teams whose place can no longer mean anything else."""

from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as some

from matchday.ratings.stakes import LINES, MATCHES, StakesState, observe, open_season, settled

TEAMS = tuple(f"T{number:02}" for number in range(20))


def table(points: dict[str, int], left: dict[str, int]) -> StakesState:
    return StakesState(points, {team: MATCHES - left[team] for team in points})


@given(
    some.lists(some.integers(20, 90), min_size=20, max_size=20),
    some.sets(some.sampled_from(TEAMS), min_size=2, max_size=4),
)
@settings(deadline=None)
def test_no_result_that_is_left_takes_a_settled_team_over_a_line(points, playing) -> None:
    now = dict(zip(TEAMS, points, strict=True))
    left = {team: int(team in playing) for team in TEAMS}
    found = settled(table(now, left))
    for gains in product((0, 1, 3), repeat=len(playing)):
        end = now | {team: now[team] + gain for team, gain in zip(sorted(playing), gains, strict=True)}
        for team in found:
            # Its best place when it wins ties, and its worst when it loses them, are on one side of each line.
            best = 1 + sum(end[other] > end[team] for other in TEAMS)
            worst = sum(end[other] >= end[team] for other in TEAMS)
            side_now = [sum(now[other] > now[team] for other in TEAMS) < line for line in LINES]
            assert [best <= line for line in LINES] == [worst <= line for line in LINES] == side_now


def test_at_the_end_everyone_is_settled_whom_no_other_team_equals() -> None:
    end = {team: 90 - 3 * place for place, team in enumerate(TEAMS)}
    done = dict.fromkeys(TEAMS, 0)
    assert settled(table(end, done)) == set(TEAMS)
    level = end | {"T01": end["T00"]}
    assert settled(table(level, done)) == set(TEAMS) - {"T00", "T01"}


def test_before_the_first_match_nobody_is_settled() -> None:
    assert settled(open_season(TEAMS)) == frozenset()


def test_points_that_were_deducted_bring_a_team_back_to_the_line() -> None:
    now = {team: 60 - 2 * place for place, team in enumerate(TEAMS)}  # 17th has 28, 18th 26
    state = table(now, dict.fromkeys(TEAMS, 0) | {"T17": 1})
    assert "T12" in settled(state)
    assert "T12" not in settled(state, {"T12": 10})
    assert settled(state, {"T12": 0}) == settled(state)


def test_a_postponed_match_is_one_that_is_left_to_play_whenever_that_will_be() -> None:
    """All others have ended; T12 has two matches in hand that were postponed, of which nobody knows the day."""
    now = {team: 60 - 2 * place for place, team in enumerate(TEAMS)}  # 12th has 38, 13th 36, 17th 28, 18th 26
    ended = dict.fromkeys(TEAMS, 0)
    assert "T12" in settled(table(now, ended))
    in_hand = settled(table(now, ended | {"T12": 5}))
    assert "T12" not in in_hand, "fifteen more points would make it seventh"
    assert "T06" not in in_hand, "which somebody now holds"
    assert "T17" in in_hand, "T12 is ahead of it in any case"


def test_a_match_that_is_played_again_counts_as_none_that_is_left() -> None:
    """More than 38 matches leave none, not less than none."""
    now = {team: 60 - 2 * place for place, team in enumerate(TEAMS)}
    assert settled(table(now, dict.fromkeys(TEAMS, 0) | {"T12": -1})) == settled(table(now, dict.fromkeys(TEAMS, 0)))


@given(
    some.lists(some.tuples(some.permutations(TEAMS[:4]), some.integers(0, 5), some.integers(0, 5)), max_size=20),
    some.randoms(use_true_random=False),
)
def test_points_do_not_depend_on_the_order_of_the_results(results, random) -> None:
    def after(rows) -> StakesState:
        state = open_season(TEAMS)
        for (home, away, *_), home_goals, away_goals in rows:
            state = observe(state, home, away, home_goals, away_goals)
        return state

    end = after(results)
    assert after(random.sample(results, len(results))) == end
    assert sum(end.played.values()) == 2 * len(results)
    assert sum(end.points.values()) == sum(2 if home == away else 3 for _, home, away in results)
