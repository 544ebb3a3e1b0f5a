"""The law above the others: nothing that happens after a moment changes what was known or forecast at it."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as some

from matchday import backtest
from matchday.features import team
from tests import league
from tests.matchday.no_leak import small
from tests.matchday.no_leak.small import as_it_was, differences, happened, known

END = pd.Timestamp("2100-01-01T00:00Z")


def check(seen: Counter[str], data: some.DataObject) -> None:
    """One example. seen: counts what was changed, and what that changed later."""
    number = data.draw(some.integers(0, small.LEAGUES - 1))
    moment = data.draw(small.moments(number))
    change = data.draw(small.changes())
    ours, theirs = as_it_was(number), known(change.apply(happened(number), moment))
    leaks = list(differences(moment, ours, theirs))
    assert leaks == []
    late = moment >= ours.vectors.loc[ours.vectors["season"] == small.SEASONS[-1], "kickoff"].min()
    seen.update({change.what: 1, "forecasts": late})
    for name in differences(END, ours, theirs) if late else []:
        seen[f"{change.what}: later {name}"] += 1


def search(seen: Counter[str], how: settings) -> None:
    """Try examples. Raises AssertionError for a leak."""
    how(given(data=some.data())(check))(seen)


def test_what_happens_after_a_moment_changes_no_feature_row_and_no_forecast_of_it() -> None:
    seen: Counter[str] = Counter()
    search(seen, settings(max_examples=80))
    for what in ("goals", *small.SAID, "rows"):
        assert seen[what] >= 1, seen
    assert seen["forecasts"] >= 15, seen
    for name in ("form", "ratings", "vectors", "results", "forecasts of match-outcome"):
        assert seen[f"goals: later {name}"] >= 1, seen
    assert seen["xg: later ratings"] >= 1, seen


def say_form_is_known_early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(team, "FULL_TIME", timedelta(hours=1))


def say_ratings_are_known_early(monkeypatch: pytest.MonkeyPatch) -> None:
    tables = small.team_tables

    def early(*history: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
        form, ratings = tables(*history)
        return form, ratings.assign(event_time=ratings["event_time"] - timedelta(hours=12))

    monkeypatch.setattr(small, "team_tables", early)


def describe_a_season_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    chances = small.team_chances

    def told(matches: pd.DataFrame, appearances: pd.DataFrame) -> pd.DataFrame:
        table = chances(matches, appearances)
        return table.assign(home_xg=table["home_xg"] + matches.groupby("season")["home_goals"].transform("mean"))

    monkeypatch.setattr(small, "team_chances", told)


def join_what_is_known_later(monkeypatch: pytest.MonkeyPatch) -> None:
    joined = league.joined

    def late(matches: pd.DataFrame, *tables: pd.DataFrame) -> pd.DataFrame:
        return joined(matches, *[one.assign(event_time=one["event_time"] - timedelta(hours=3)) for one in tables])

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
    leak(monkeypatch)
    as_it_was.cache_clear()
    quick = settings(max_examples=80, phases=[Phase.generate], database=None, report_multiple_bugs=False)
    try:
        with pytest.raises(AssertionError):
            search(Counter(), quick)
    finally:
        as_it_was.cache_clear()
