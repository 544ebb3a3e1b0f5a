"""The law above the others: nothing that happens after a moment changes what was known or forecast at it."""

from collections.abc import Callable
from datetime import timedelta

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from matchday import backtest
from matchday.features import team
from tests import league
from tests.matchday.no_leak import small
from tests.matchday.no_leak.small import Change, as_it_was, differences, happened, known

END = pd.Timestamp("2100-01-01T00:00Z")
KINDS = ("goals", *small.SAID, "rows")


@pytest.mark.parametrize("what", KINDS)
@settings(max_examples=15)
@given(data=some.data(), number=some.integers(0, small.LEAGUES - 1), share=some.floats(0, 1), seed=some.integers(0))
def test_what_happens_after_a_moment_changes_no_feature_row_and_no_forecast_of_it(
    what: str, data: some.DataObject, number: int, share: float, seed: int
) -> None:
    moment = data.draw(small.moments(number))
    theirs = known(Change(what, seed, share).apply(happened(number), moment))
    leaks = list(differences(moment, as_it_was(number), theirs))
    assert leaks == []


def opening() -> pd.Timestamp:
    """The first kick-off of the last season."""
    matches = happened(0).matches
    first: pd.Timestamp = matches.loc[matches["season"] == small.SEASONS[-1], "kickoff"].min()
    return first


@pytest.mark.parametrize("what", KINDS)
def test_each_kind_of_change_is_seen_later(what: str) -> None:
    """Else the law would hold of a change that nothing reads."""
    since = opening() if what in ("goals", "xg", "rows") else happened(0).matches["kickoff"].min()
    theirs = known(Change(what, 1, 1.0).apply(happened(0), since))
    later = set(differences(END, as_it_was(0), theirs))
    assert {"form", "ratings", "strength", "vectors", "forecasts of match-outcome"} <= later
    assert ("results" in later) is (what == "goals")


def say_form_is_known_early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(team, "FULL_TIME", timedelta(hours=1))


def say_ratings_are_known_early(monkeypatch: pytest.MonkeyPatch) -> None:
    tables = small.team_tables

    def early(*history: pd.DataFrame) -> tuple[pd.DataFrame, ...]:
        form, *rated = tables(*history)
        return form, *(rows.assign(event_time=rows["event_time"] - timedelta(hours=12)) for rows in rated)

    monkeypatch.setattr(small, "team_tables", early)


def describe_a_season_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    with_xg = small.with_xg

    def told(matches: pd.DataFrame, appearances: pd.DataFrame) -> pd.DataFrame:
        table = with_xg(matches, appearances)
        of_season = matches.groupby("season")["home_goals"].transform("mean")
        return table.assign(home_xg=table["home_xg"] + of_season, home_own_xg=table["home_own_xg"] + of_season)

    monkeypatch.setattr(small, "with_xg", told)


def join_what_is_known_later(monkeypatch: pytest.MonkeyPatch) -> None:
    joined = league.joined

    def late(matches: pd.DataFrame, *tables: pd.DataFrame) -> pd.DataFrame:
        return joined(matches, *[one.assign(event_time=one["event_time"] - timedelta(hours=12)) for one in tables])

    monkeypatch.setattr(league, "joined", late)


def fit_on_what_is_forecast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backtest, "FULL_TIME", -timedelta(days=10))


LEAKS = [
    say_form_is_known_early,
    say_ratings_are_known_early,
    describe_a_season_by_itself,
    join_what_is_known_later,
    fit_on_what_is_forecast,
]


@pytest.mark.parametrize("leak", LEAKS)
def test_a_leak_would_be_found(leak: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """By changing all later goals, an hour and a half after one of the last season's kick-offs."""
    leak(monkeypatch)
    as_it_was.cache_clear()
    try:
        ours = as_it_was(0)
        moments = sorted(kickoff + timedelta(minutes=90) for kickoff in ours.vectors["kickoff"] if kickoff >= opening())
        worlds = ((moment, known(Change("goals", 1, 1.0).apply(happened(0), moment))) for moment in moments[:-1])
        assert any(any(differences(moment, ours, theirs)) for moment, theirs in worlds)
    finally:
        as_it_was.cache_clear()
