"""Every model is rolled out by the same code: rows, judge, scores and runner name no model.

Beside the models of the catalogue one of players' matches.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from matchday.models.catalogue import KINDS
from matchday.models.kind import ModelKind, Subject
from matchday.models.skill import results
from rollout import feasibility, window
from rollout.judge import Pairs
from rollout.observations import scores as paired
from rollout.observations.log import LoggedForecast
from rollout.observations.pairings import LeaguePairings
from rollout.observations.replay import RowReplay
from rollout.observations.row import ReplayRow
from rollout.observations.scores import PairedScores
from rollout.sources import Sources
from rollout.spec import Spec
from rollout.splitter import Endpoints
from rollout.state import Phase
from tests import kinds
from tests.rollout import fakes, runs
from tests.rollout.fakes import MemoryStore, RolloutWorld
from tests.rollout.observations.pages import program

TEAMS = [f"T{number:02}" for number in range(20)]
KICKOFF = 1_772_895_600.0
every_model = pytest.mark.parametrize("kind", [*KINDS.values(), kinds.KIND], ids=[*KINDS, kinds.NAME])


@pytest.fixture(autouse=True)
def catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    kinds.add_to_catalogue(monkeypatch, paired, feasibility, window)


def forecast(kind: ModelKind, home: str, away: str, bad: bool, number: float = 0.0) -> list[float]:
    """A forecast that depends on the teams and a number; a bad one is far from it."""
    gap = (TEAMS.index(home) - TEAMS.index(away)) / len(TEAMS) + number
    if not kind.output.classes:
        return [2.7 + gap + (3.0 if bad else 0.0)]
    scores = np.linspace(gap, -gap, len(kind.output.classes))
    chances = np.exp(scores) / np.exp(scores).sum()
    return list(chances[::-1] * 0.2 + [0.8, *[0.0] * (len(chances) - 1)]) if bad else list(chances)


@contextmanager
def server(kind: ModelKind, version: str, bad: bool = False) -> Iterator[str]:
    """A server that describes and answers the model over the Open Inference Protocol."""
    inputs = [{"name": each.name, "datatype": each.datatype, "parameters": {"mode": "entity"}} for each in kind.inputs]
    inputs += [
        {"name": each.name, "datatype": "FP32", "parameters": {"mode": "entity", "least": each.least}}
        for each in kind.numbers
    ]
    columns = {"parameters": {"columns": list(kind.output.classes)}} if kind.output.classes else {}
    metadata = {
        "name": kind.name,
        "versions": [version],
        "inputs": inputs,
        "outputs": [{"name": kind.output.name, **columns}],
    }

    def answer(path: str, body: bytes) -> tuple[int, bytes]:
        if not path.endswith("/infer"):
            return 200, json.dumps(metadata).encode()
        given = {each["name"]: each["data"] for each in json.loads(body)["inputs"]}
        home, away = (given[each.name] for each in kind.inputs[-2:])
        numbers = given["home"] if kind.numbers else [0.0] * len(home)
        data = [one for row in zip(home, away, numbers, strict=True) for one in forecast(kind, *row[:2], bad, row[2])]
        return 200, json.dumps({"outputs": [{"name": kind.output.name, "data": data}]}).encode()

    with program(answer) as url:
        yield url


class PlayedMatches:
    """Every team at home once, a home win by two goals to none; two players a team, who get 2 points each."""

    def written(self) -> bool:
        return True

    def matches(self) -> pd.DataFrame:
        pairs = zip(TEAMS, [*TEAMS[1:], TEAMS[0]], strict=True)
        rows = [{"match_id": f"2526-{home}-{away}", "home": home, "away": away} for home, away in pairs]
        goals = {
            "season": "2526",
            "kickoff": pd.Timestamp(KICKOFF, unit="s", tz="UTC"),
            "home_goals": 2,
            "away_goals": 0,
        }
        return pd.DataFrame(rows).assign(**goals)

    def appearances(self) -> pd.DataFrame:
        sides = {"home": "team", "away": "opponent"}
        rows = self.matches().rename(columns=sides).assign(home=True, points=2)
        return pd.concat([rows.assign(player=2 * rows.index + number) for number in (1, 2)], ignore_index=True)


class ServedReplay:
    """The real replay against servers at these URLs, wherever the splitter says they are."""

    def __init__(self, stable: str, canary: str) -> None:
        self._endpoints = Endpoints((stable,), (canary,))
        self._replay = RowReplay([LeaguePairings(PlayedMatches())])  # type: ignore[arg-type]

    def pairs(self, model: str, endpoints: Endpoints, rows: int) -> Pairs:
        return self._replay.pairs(model, self._endpoints, rows)


def roll_out(kind: ModelKind, bad: bool, monkeypatch: pytest.MonkeyPatch) -> tuple[MemoryStore, RolloutWorld]:
    """A whole rollout by the real runner and the real judge."""
    spec = Spec.parse(
        {
            "inferenceService": kind.name,
            "model": kind.name,
            "candidate": "2",
            "promotion": "Automatic",
            "bakeSeconds": 0,
            "shadow": {"historyWeeks": 0},
            "steps": [{"weight": 20, "holdSeconds": 15}, {"weight": 50, "holdSeconds": 15}],
        }
    )
    world = RolloutWorld()
    store = MemoryStore(world)
    with server(kind, "1") as stable, server(kind, "2", bad) as canary:
        real = fakes.sources

        def sources(world: RolloutWorld) -> Sources:
            return replace(real(world), replay=ServedReplay(stable, canary))

        monkeypatch.setattr(runs, "sources", sources)
        runs.run(spec, world, store)
    return store, world


@every_model
def test_a_good_candidate_is_promoted(kind: ModelKind, monkeypatch: pytest.MonkeyPatch) -> None:
    store, world = roll_out(kind, False, monkeypatch)
    assert store.state.phase is Phase.PROMOTED, store.state.reason
    assert (world.champion, world.stable) == ("2", "2")


@every_model
def test_a_candidate_with_other_forecasts_is_rolled_back(kind: ModelKind, monkeypatch: pytest.MonkeyPatch) -> None:
    store, world = roll_out(kind, True, monkeypatch)
    assert store.state.phase is Phase.ROLLED_BACK
    assert "predictions" in store.state.reason
    shift = next(each["reason"] for each in store.state.findings if each["measure"] == "shift")
    expected = kind.output.labels or ("standard deviations",)
    assert any(word in shift for word in expected), shift
    assert (world.champion, world.stable) == ("1", "1")


class MemoryLog:
    """A prediction log that is read once."""

    def __init__(self, *entries: LoggedForecast) -> None:
        self._entries = list(entries)

    def since(self, position: Any, most: int) -> tuple[list[LoggedForecast], Any]:
        return ([], position) if position else (self._entries, len(self._entries))


def logged(kind: ModelKind, version: str, numbers: Sequence[float]) -> LoggedForecast:
    entities = {each.name: value for each, value in zip(kind.inputs[-2:], ("T00", "T01"), strict=True)}
    entities |= {each.name: 1 for each in kind.inputs[:-2]}
    output = dict(zip(kind.output.columns, numbers, strict=True))
    row = ReplayRow(entities, KICKOFF, version=version, output=output)
    return LoggedForecast(f"r{version}", KICKOFF - 60, kind.name, row)


@every_model
def test_the_score_of_the_model_compares_logged_forecasts(kind: ModelKind) -> None:
    if kind.output.classes:
        right, wrong = [0.8, 0.15, 0.05], [0.1, 0.2, 0.7]
    else:
        right, wrong = [2.0], [5.0]
    log = MemoryLog(logged(kind, "1", wrong), logged(kind, "2", right))
    scores = PairedScores(None, log, PlayedMatches())  # type: ignore[arg-type]
    found = scores.live(kind.name, "1", "2")
    assert found is not None and len(found) == 1
    played = PlayedMatches().matches() if kind.subject is Subject.MATCH else PlayedMatches().appearances()
    result = results(kind, played[:1])
    wanted = kind.score.loss(np.array([right]), result) - kind.score.loss(np.array([wrong]), result)
    np.testing.assert_allclose(found, wanted)
    assert found[0] < 0
