"""Margins: laws that every method keeps, and values that others have published."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from matchday.market.margin import Margin, probabilities

ODDS = some.tuples(*[some.floats(1.01, 1001)] * 3)
METHODS = some.sampled_from(Margin)
MARGINED = [Margin.SHIN, Margin.POWER]
TRUE = some.tuples(*[some.floats(0.01, 1)] * 3).map(np.array).map(lambda weights: weights / weights.sum())


def taken_out(odds: tuple[float, ...], margin: Margin) -> np.ndarray:
    return probabilities(np.array([odds]), margin)[0]


@given(odds=ODDS, margin=METHODS)
def test_probabilities_sum_to_one_and_keep_the_order_of_the_odds(odds: tuple[float, ...], margin: Margin) -> None:
    """Whatever the book sums to, far below 1 too."""
    found = taken_out(odds, margin)
    assert abs(found.sum() - 1) < 1e-12
    assert (found > 0).all() and (found < 1).all()
    longest_first = found[np.argsort(-np.array(odds), kind="stable")]
    assert (np.diff(longest_first) >= -1e-15).all()


@given(truth=TRUE, margin=METHODS)
def test_a_fair_book_is_returned_as_it_is(truth: np.ndarray, margin: Margin) -> None:
    assert np.allclose(taken_out(tuple(1 / truth), margin), truth, rtol=0, atol=1e-12)


@given(truth=TRUE, total=some.floats(0.2, 1), margin=METHODS)
def test_a_book_that_sums_to_one_or_less_is_scaled_by_every_method(
    truth: np.ndarray, total: float, margin: Margin
) -> None:
    odds = tuple(1 / (total * truth))
    if np.sum(1 / np.array(odds)) <= 1:
        assert np.allclose(taken_out(odds, margin), truth, rtol=0, atol=1e-12)


@given(truth=TRUE, total=some.floats(1.001, 1.2), margin=some.sampled_from(MARGINED))
def test_shin_and_power_give_to_the_favourite_and_take_from_the_longshot(
    truth: np.ndarray, total: float, margin: Margin
) -> None:
    """Bets on longshots carry more of the margin: their odds are shorter than they should be."""
    inverse = np.minimum(total * truth, 0.99)
    if inverse.sum() <= 1:
        return
    odds = tuple(1 / inverse)
    found, scaled = taken_out(odds, margin), taken_out(odds, Margin.MULTIPLICATIVE)
    favourite, longshot = inverse.argmax(), inverse.argmin()
    assert found[favourite] >= scaled[favourite] - 1e-12
    assert found[longshot] <= scaled[longshot] + 1e-12
    if np.ptp(inverse) > 0.05:
        assert found[favourite] > scaled[favourite]
        assert found[longshot] < scaled[longshot]


@given(truth=TRUE, share=some.floats(0.001, 0.2))
def test_shin_undoes_the_prices_of_shins_model(truth: np.ndarray, share: float) -> None:
    """The book of a bookmaker who faces a share of insiders: q = sqrt(z p^2 + (1 - z) p), up to its sum."""
    own = np.sqrt(share * truth**2 + (1 - share) * truth)
    inverse = own * own.sum()
    if inverse.max() < 0.999:
        assert np.allclose(taken_out(tuple(1 / inverse), Margin.SHIN), truth, rtol=0, atol=1e-9)


@given(truth=TRUE, exponent=some.floats(1.0, 1.5))
def test_power_undoes_a_power(truth: np.ndarray, exponent: float) -> None:
    inverse = truth ** (1 / exponent)
    if inverse.max() < 0.999:
        assert np.allclose(taken_out(tuple(1 / inverse), Margin.POWER), truth, rtol=0, atol=1e-9)


def test_published_values() -> None:
    """Of the package `shin` on PyPI."""
    expected = [0.37299406033208965, 0.4047794109200184, 0.2222265287474275]
    assert taken_out((2.6, 2.4, 4.3), Margin.SHIN) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("margin", Margin)
def test_books_are_independent_of_their_neighbours(margin: Margin) -> None:
    books = np.array([[2.0, 3.5, 4.0], [4.0, 4.0, 4.0], [1.0001, 900.0, 1000.0], [1.5, 4.5, 7.0]])
    together = probabilities(books, margin)
    assert together.tolist() == [probabilities(book[None], margin)[0].tolist() for book in books]
    assert probabilities(np.empty((0, 3)), margin).shape == (0, 3)


@pytest.mark.parametrize("wrong", [1.0, 0.0, -2.0, np.nan, np.inf])
def test_what_is_no_odds_is_refused(wrong: float) -> None:
    with pytest.raises(ValueError, match="above 1"):
        probabilities(np.array([[2.0, 3.0, wrong]]))
