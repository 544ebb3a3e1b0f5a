"""Paired comparison."""

import numpy as np
import pytest

from matchday.scores.paired import paired_gap


def test_groups_of_one_give_the_error_of_a_mean() -> None:
    random = np.random.default_rng(2)
    loss, base = random.random((2, 500))
    found = paired_gap(loss, base, np.arange(500))
    gap = loss - base
    assert found.mean == pytest.approx(gap.mean())
    assert found.standard_error == pytest.approx(gap.std(ddof=1) / np.sqrt(500))


def test_rows_that_say_the_same_count_once() -> None:
    random = np.random.default_rng(2)
    loss, base = random.random((2, 100))
    alone = paired_gap(loss, base, np.arange(100))
    tenfold = paired_gap(np.repeat(loss, 10), np.repeat(base, 10), np.repeat(np.arange(100), 10))
    assert tenfold.mean == pytest.approx(alone.mean)
    assert tenfold.standard_error == pytest.approx(alone.standard_error)


def test_one_group_has_no_error() -> None:
    assert np.isnan(paired_gap(np.ones(3), np.zeros(3), np.zeros(3, np.int64)).standard_error)
