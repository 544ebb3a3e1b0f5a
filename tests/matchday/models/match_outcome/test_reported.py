"""The backtest that is reported: its features, and what it shows beside the model."""

from functools import cache

import numpy as np
import pytest

from matchday.features.team import team_tables
from matchday.models.match_outcome import reference
from matchday.models.match_outcome.kind import MATCH_OUTCOME
from matchday.models.match_outcome.rated import rate_matches
from matchday.models.match_outcome.reported import LATEST, SEASONS, OutcomeBacktest, backtest_outcome
from matchday.models.match_outcome.settled_goals import NAMES
from matchday.ratings.xg import with_xg
from matchday.settings import REPOSITORY
from matchday.sources.snapshot import Snapshot
from matchday.tables import Appearances, Matches, Teams
from tests import league

TWO = ("2425", "2526")


@cache
def matches():
    return with_xg(league.some(Matches, TWO), league.some(Appearances, TWO))


def test_rating_matches_directly_gives_the_features_that_the_store_holds() -> None:
    """Through the tables and the join as of kick-off, to the last bit."""
    wanted = league.joined(league.some(Matches, TWO), *tables())
    found = rate_matches(matches(), league.some(Teams, TWO))
    assert found["match_id"].tolist() == wanted["match_id"].tolist()
    for name in NAMES:
        assert found[name].to_numpy().tolist() == wanted[name].to_numpy().tolist(), name
    assert found["result"].tolist() == wanted["result"].tolist()


@cache
def tables():
    return team_tables(matches(), league.some(Teams, TWO))


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> OutcomeBacktest:
    """Of the last season, on two."""
    return backtest_outcome(league.bundled(tmp_path_factory.mktemp("history"), TWO), seasons=("2526",))


def test_every_forecaster_has_the_same_matches(found: OutcomeBacktest) -> None:
    wanted = found.walk().forecasts["match_id"].tolist()
    assert len(wanted) == 380
    names = {MATCH_OUTCOME.name, *reference.forecasters(), reference.MEAN}
    assert set(found.evaluation.walks) == names
    for name in names:
        assert found.walk(name).forecasts["match_id"].tolist() == wanted
        assert np.allclose(found.walk(name).numbers.sum(axis=1), 1)
        assert 0.15 < found.scores(name)["rps"] < 0.26


def test_the_model_is_learnt_again_each_week_and_the_simple_ones_every_four(found: OutcomeBacktest) -> None:
    fits = {name: found.walk(name).forecasts["refit"].nunique() for name in (None, reference.ELO)}
    assert fits[None] > 25 > 12 > fits[reference.ELO]


def test_the_mean_is_that_of_three(found: OutcomeBacktest) -> None:
    parts = [found.walk(name).numbers for name in (reference.ELO, reference.DIXON_COLES, reference.LOGISTIC)]
    assert np.allclose(found.walk(reference.MEAN).numbers, np.mean(parts, axis=0))


def test_a_gap_is_to_the_model_on_the_same_matches(found: OutcomeBacktest) -> None:
    gap = found.gap(reference.BASE_RATE)
    assert gap.mean == pytest.approx(found.scores()["rps"] - found.scores(reference.BASE_RATE)["rps"])
    assert 0 < gap.standard_error < 0.02
    assert found.latest == ("2526",)


def test_the_reported_seasons_are_the_last_seven_that_are_bundled() -> None:
    bundled = sorted(Snapshot(REPOSITORY / "data").load(Matches)["season"].unique())
    assert tuple(bundled[-7:]) == SEASONS
    assert SEASONS[-3:] == LATEST
