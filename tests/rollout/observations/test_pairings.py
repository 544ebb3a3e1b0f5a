"""Pairings: every pair of teams once, each team as often at home as away, for models that take two teams."""

from pathlib import Path

import pytest

from matchday.lake import Lake
from matchday.models.catalogue import KINDS
from matchday.results import Results
from matchday.tables import Appearances
from rollout.observations.pairings import LeaguePairings, Pairings, PlayerPairings
from rollout.sources import SourceError
from tests import kinds, league
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


CLUBS = {1: "ARS", 2: "ARS", 3: "LIV", 4: "MCI", 5: "MCI", 6: "MCI"}


@pytest.fixture
def players(monkeypatch: pytest.MonkeyPatch) -> None:
    kinds.add_to_catalogue(monkeypatch)


@pytest.mark.usefixtures("players")
def test_every_player_meets_every_other_club_at_home_or_away() -> None:
    rows = PlayerPairings(CLUBS).rows(kinds.NAME, 1000)
    matches = [(row.entities["player"], row.entities["team"], row.entities["opponent"]) for row in rows]
    assert len(matches) == len(set(matches)) == 6 * 2
    assert all(CLUBS[player] == team != opponent for player, team, opponent in matches)
    assert {player for player, _, _ in matches[:6]} == set(CLUBS), "each player once before any twice"
    assert [team for _, team, _ in matches[:3]] == ["ARS", "LIV", "MCI"], "each club in turn"
    for player in CLUBS:
        assert {row.numbers["home"] for row in rows if row.entities["player"] == player} == {0.0, 1.0}
    assert {row.numbers["position_number"] for row in rows} == {0.0, 1.0, 2.0, 3.0}
    assert PlayerPairings(CLUBS).rows(kinds.NAME, 7) == rows[:7]


@pytest.mark.usefixtures("players")
def test_players_are_those_of_the_latest_season_with_their_last_club(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path))
    rows = league.some(Appearances, ("2425", "2526"))
    lake.write(Appearances, rows)
    results = Results(lake)
    found = LeaguePairings(results).rows(kinds.NAME, 10_000)
    latest = rows[(rows["season"] == "2526") & (rows["position"] != "MNG")].sort_values("kickoff")
    clubs = latest.groupby("player")["team"].last()
    assert {row.entities["player"] for row in found} == set(clubs.index)
    assert all(clubs[row.entities["player"]] == row.entities["team"] for row in found)
    assert results.appearances() is results.appearances(), "read once"


@pytest.mark.usefixtures("players")
def test_a_model_is_asked_its_own_kind_of_rows() -> None:
    with pytest.raises(SourceError, match="match-outcome takes no players"):
        PlayerPairings(CLUBS).rows(MODEL, 1)
    with pytest.raises(SourceError, match="player-saves takes no pair of teams"):
        Pairings(TEAMS).rows(kinds.NAME, 1)
