"""The season's rules are read from the game's own settings."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from console.demo.upstream import fpl as game
from matchday.sources import fpl
from matchday.sources.upstream import Received
from matchday.tables.observed_rules import ObservedRules
from tests.matchday.sources.conftest import SATURDAY, SEASON, Sources
from tests.services.upstream.bundled import past_season, small_season


def rules(sources: Sources) -> dict[str, Any]:
    rows = fpl.collect(sources.fpl()).tables[ObservedRules]
    return {name: json.loads(value) for name, value in zip(rows["name"], rows["value"], strict=True)}


def test_points_and_squads_are_those_of_the_season(sources: Sources) -> None:
    """25/26 brought points for defensive contributions."""
    sources.server.reset(small_season("2324"), small_season("2324").deadlines[5])
    former = rules(sources)
    assert former["scoring.goals_scored.GK"] == 6
    assert not any("defensive_contribution" in name for name in former)
    sources.server.reset(past_season(SEASON), SATURDAY)
    found = rules(sources)
    assert [found[f"scoring.goals_scored.{position}"] for position in ("GK", "DEF", "MID", "FWD")] == [10, 6, 5, 4]
    assert [found[f"scoring.defensive_contribution.{position}"] for position in ("GK", "DEF")] == [0, 2]
    assert found["scoring.assists"] == 3
    assert (found["rules.squad_squadsize"], found["rules.squad_team_limit"]) == (15, 3)
    assert found["rules.sys_vice_captain_enabled"] is True
    assert found["total_players"] == game.squads(past_season(SEASON), 13)


STRANGE: list[Any] = [
    *(None, [], 7, "x", {}),
    {"scoring": None, "rules": []},
    {"scoring": {"a": [1], "b": {"c": {"d": 1}}, "e": "\ud800"}},
]


@pytest.mark.parametrize("config", STRANGE)
def test_settings_of_another_kind_are_left_out_and_the_rest_goes_in(
    receive: Callable[[bytes], Received], config: Any
) -> None:
    answer = game.bootstrap(small_season(SEASON), SATURDAY) | {"game_config": config, "total_players": "many"}
    found = fpl.read_bootstrap(receive(json.dumps(answer).encode()))
    assert set(found.rules.frame()["name"]) == {f"rules.{name}" for name in game.RULES}
    assert len(found.players.frame()) > 40
    answer.pop("game_settings")
    assert fpl.read_bootstrap(receive(json.dumps(answer).encode())).rules.frame().empty
