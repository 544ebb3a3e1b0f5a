"""Paired differences of model and market."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from matchday.market.comparison import ALL, bootstrap_by_week, compare
from matchday.scores.outcome import log_loss, ranked_probability
from tests.matchday.market.forecast_rows import random_pairs

PAIRS = random_pairs(300)


def test_differences_for_each_season_and_for_all() -> None:
    found = compare(PAIRS)
    assert [(one.score, one.season, one.matches) for one in found] == [
        (score, *rest) for score in ("rps", "log_loss") for rest in (("2324", 150), ("2425", 150), (ALL, 300))
    ]
    for one in found:
        loss = {"rps": ranked_probability, "log_loss": log_loss}[one.score]
        chosen = slice(None) if one.season == ALL else (PAIRS.matches["season"] == one.season).to_numpy()
        gaps = loss(PAIRS.model, PAIRS.result)[chosen] - loss(PAIRS.market, PAIRS.result)[chosen]
        assert one.difference == pytest.approx(gaps.mean())
        assert one.difference == pytest.approx(one.model - one.market)
        assert one.standard_error == pytest.approx(gaps.std(ddof=1) / math.sqrt(len(gaps)))
        assert one.low < one.difference < one.high


def test_the_noisier_model_is_found_to_be_worse() -> None:
    whole = [one for one in compare(random_pairs(3000)) if one.season == ALL]
    assert all(one.low > 0 for one in whole)


def test_model_and_market_change_places() -> None:
    swapped = replace(PAIRS, model=PAIRS.market, market=PAIRS.model)
    for one, other in zip(compare(PAIRS), compare(swapped), strict=True):
        assert one.difference == pytest.approx(-other.difference)
        assert one.standard_error == pytest.approx(other.standard_error)
        assert one.low == pytest.approx(-other.high)


def test_a_model_that_says_what_the_market_says_differs_by_nothing() -> None:
    for one in compare(replace(PAIRS, model=PAIRS.market)):
        assert (one.difference, one.standard_error, one.low, one.high) == (0, 0, 0, 0)


def test_one_match_has_no_error_and_one_week_no_interval() -> None:
    alone = compare(PAIRS.some(np.arange(300) == 7))
    assert [one.matches for one in alone] == [1, 1, 1, 1]
    assert all(math.isnan(number) for one in alone for number in (one.standard_error, one.low, one.high))
    assert compare(PAIRS.some(np.zeros(300, bool))) == []


@pytest.mark.parametrize("together", [1, 10])
def test_matches_of_a_week_that_say_the_same_count_as_one(together: int) -> None:
    """The interval is that of so many independent values, on average over draws of them."""
    ratios = []
    for seed in range(8):
        values = np.repeat(np.random.default_rng(seed).normal(size=2000 // together), together)
        low, high = bootstrap_by_week(values, np.arange(2000) // 10)
        ratios.append((high - low) / (2 * 1.96 * values.std() / math.sqrt(2000 / together)))
    assert np.mean(ratios) == pytest.approx(1, abs=0.06)


@given(weeks=some.lists(some.integers(-3, 3), min_size=2, max_size=12).filter(lambda weeks: len(set(weeks)) > 1))
def test_the_interval_lies_within_the_means_of_the_weeks(weeks: list[int]) -> None:
    values = np.arange(len(weeks), dtype=float)
    means = [values[np.array(weeks) == week].mean() for week in set(weeks)]
    low, high = bootstrap_by_week(values, np.array(weeks))
    assert min(means) - 1e-9 <= low <= high <= max(means) + 1e-9
    assert (low, high) == bootstrap_by_week(values, np.array(weeks)), "the same each time"
