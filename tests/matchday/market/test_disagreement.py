"""The matches on which model and market differ most."""

from dataclasses import replace

import numpy as np
import pytest

from matchday.market.disagreement import distances, largest_disagreements
from matchday.scores.outcome import ranked_probability
from tests.matchday.market.forecast_rows import random_pairs

PAIRS = random_pairs(200)


def test_a_distance_is_half_of_the_sum_of_the_differences() -> None:
    certain = replace(PAIRS, model=np.tile([1.0, 0, 0], (200, 1)), market=np.tile([0, 0.25, 0.75], (200, 1)))
    assert distances(certain) == pytest.approx(np.ones(200))
    assert distances(replace(PAIRS, model=PAIRS.market)).max() == 0


def test_the_largest_come_first_with_what_happened() -> None:
    found = largest_disagreements(PAIRS, 7).matches
    assert [one.distance for one in found] == sorted(distances(PAIRS), reverse=True)[:7]
    gaps = ranked_probability(PAIRS.model, PAIRS.result) - ranked_probability(PAIRS.market, PAIRS.result)
    for one in found:
        at = PAIRS.matches.index[PAIRS.matches["match_id"] == one.match_id][0]
        row = PAIRS.matches.loc[at]
        assert one.model == tuple(PAIRS.model[at])
        assert one.market == tuple(PAIRS.market[at])
        assert one.score == f"{row['home_goals']}-{row['away_goals']}"
        assert one.kickoff == row["kickoff"]
        assert one.difference == gaps[at]


def test_the_tenth_that_differs_most_and_its_part_of_the_whole() -> None:
    found = largest_disagreements(PAIRS, 20)
    assert found.count == 20
    assert found.mean == pytest.approx(np.mean([one.difference for one in found.matches]))
    assert found.part == pytest.approx(found.mean / 10)


@pytest.mark.parametrize(("asked", "listed"), [(0, 0), (5, 5), (1000, 200)])
def test_no_more_are_listed_than_there_are(asked: int, listed: int) -> None:
    assert len(largest_disagreements(PAIRS, asked).matches) == listed


def test_of_equal_ones_the_earlier_comes_first() -> None:
    same = replace(PAIRS, model=PAIRS.market)
    assert [one.match_id for one in largest_disagreements(same, 3).matches] == PAIRS.matches["match_id"].tolist()[:3]
