"""Pairings: every pair of teams once, each team as often at home as away, for models that take two teams."""

from pathlib import Path

import pytest

from matchday.lake import Lake
from matchday.models.catalogue import KINDS
from matchday.results import Results
from rollout.observations.pairings import LeaguePairings, Pairings
from rollout.sources import SourceError
from tests.serving.conftest import TEAMS

MODEL = "match-outcome"


def test_every_ordered_pair_comes_once_and_each_prefix_is_fair() -> None:
    pairings = Pairings(TEAMS)
    pairs = [(row.entities["home"], row.entities["away"]) for row in pairings.rows(MODEL, 10**6)]
    assert len(pairs) == len(set(pairs)) == 20
    assert all(home != away for home, away in pairs)
    assert {home for home, _ in pairs[:5]} == {away for _, away in pairs[:5]} == set(TEAMS)
    assert pairings.rows(MODEL, 7) == pairings.rows(MODEL, 20)[:7]
    assert Pairings(()).rows(MODEL, 5) == Pairings(("ARS",)).rows(MODEL, 5) == []


@pytest.mark.parametrize("model", KINDS)
def test_every_model_of_the_catalogue_has_rows_with_its_own_inputs(model: str) -> None:
    [row] = Pairings(("ARS", "LIV")).rows(model, 1)
    assert list(row.entities) == [each.name for each in KINDS[model].inputs]
    assert list(row.entities.values()) == ["ARS", "LIV"]


def test_an_unknown_model_has_no_rows() -> None:
    with pytest.raises(SourceError, match="no model 'player-points'"):
        Pairings(TEAMS).rows("player-points", 1)


def test_without_results_there_are_no_teams(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="there are no teams to ask for"):
        LeaguePairings(Results(Lake(str(tmp_path)))).rows(MODEL, 1)
