"""Champion or not."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as some

from matchday.models.promotion import Contender, decide

NOW = datetime(2026, 3, 1, tzinfo=UTC)
BEFORE = NOW - timedelta(days=30)


def contender(version: str, hit: float, matches: int = 400, until: datetime = BEFORE, noise: float = 0.0) -> Contender:
    """Forecasts that give what happened about so much, on matches `0`, `1`, ... ."""
    random = np.random.default_rng(int(version))
    result = np.arange(matches) % 3
    given_to_it = np.clip(hit + noise * random.normal(size=matches), 0.05, 0.9)
    said = np.repeat((1 - given_to_it)[:, None] / 2, 3, axis=1)
    said[np.arange(matches), result] = given_to_it
    rows = pd.DataFrame(said, columns=["H", "D", "A"]).assign(match_id=[str(i) for i in range(matches)], result=result)
    return Contender(version, until, "code", rows)


CHAMPION = contender("1", 0.5)


@pytest.mark.parametrize(
    ("champion", "challenger", "promoted", "reason"),
    [
        (None, contender("1", 0.4), True, "there is no champion yet"),
        (CHAMPION, CHAMPION, False, "version 1 is champion already"),
        (CHAMPION, contender("2", 0.52, noise=0.02), True, "clearly better"),
        (CHAMPION, contender("2", 0.48, noise=0.02), False, "worse"),
        (CHAMPION, contender("2", 0.512, noise=0.1), False, "inconclusive"),
        (CHAMPION, contender("2", 0.5, until=NOW), True, "fresher and as good"),
        (CHAMPION, contender("2", 0.5, until=NOW, noise=0.001), True, "fresher and as good"),
        (CHAMPION, contender("2", 0.48, until=NOW, noise=0.02), False, "worse"),
        (CHAMPION, contender("2", 0.512, until=NOW, noise=0.1), False, "inconclusive"),
        (CHAMPION, contender("2", 0.5), False, "inconclusive"),
        (CHAMPION, contender("2", 0.9, matches=99), False, "inconclusive: 99 of 100 matches"),
        (replace(CHAMPION, definitions="older"), contender("2", 0.3), True, "defined otherwise by now"),
    ],
)
def test_decisions(champion: Contender | None, challenger: Contender, promoted: bool, reason: str) -> None:
    decision = decide(champion, challenger, NOW)
    assert (decision.promoted, reason in decision.reason) == (promoted, True), decision.reason


def test_only_a_registry_of_this_machine_goes_back_in_time() -> None:
    of_later = replace(CHAMPION, trained_until=NOW + timedelta(days=1))
    assert decide(of_later, contender("2", 0.3), NOW, rewind=True).promoted
    refused = decide(of_later, contender("2", 0.6), NOW)
    assert not refused.promoted
    assert "does not go back in time" in refused.reason


def test_only_matches_that_both_have_forecast_are_compared() -> None:
    longer = contender("2", 0.5, matches=1000)
    longer.forecasts.loc[400:, ["H", "D", "A"]] = 1 / 3
    decision = decide(CHAMPION, longer, NOW)
    assert (decision.matches, decision.difference) == (400, pytest.approx(0))
    apart = replace(longer, forecasts=longer.forecasts.iloc[400:])
    assert not decide(CHAMPION, apart, NOW).promoted


def test_the_numbers_behind_a_decision_are_the_paired_differences() -> None:
    better = contender("2", 0.55, noise=0.05)
    decision = decide(CHAMPION, better, NOW)
    reverse = decide(better, replace(CHAMPION, trained_until=NOW), NOW)
    assert decision.difference == pytest.approx(-reverse.difference)
    assert decision.standard_error == pytest.approx(reverse.standard_error)
    assert decision.difference < 0 < decision.standard_error
    assert (decision.promoted, reverse.promoted) == (True, False)


@given(hits=some.tuples(some.floats(0.3, 0.7), some.floats(0.3, 0.7)), noise=some.floats(0.02, 0.2))
def test_two_versions_are_never_both_the_better_one(hits, noise: float) -> None:
    one, two = (contender(str(i), hit, 120, noise=noise) for i, hit in enumerate(hits, start=1))
    assert not (decide(one, two, NOW).promoted and decide(two, one, NOW).promoted)


def test_order_of_the_rows_does_not_matter() -> None:
    challenger = contender("2", 0.55, noise=0.1)
    mixed = replace(challenger, forecasts=challenger.forecasts.sample(frac=1, random_state=0))
    assert decide(CHAMPION, mixed, NOW).difference == pytest.approx(decide(CHAMPION, challenger, NOW).difference)
