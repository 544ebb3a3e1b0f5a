"""A model of players' matches: its training set, its features online and offline, and what a server makes of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pytest

from console.operations.online_rows import read_all
from feature_repo import materialise as materialisation
from feature_repo import served, sources, training, verification
from feature_repo.error import FeatureStoreError
from feature_repo.served import verify_served
from feature_repo.training import JUST_BEFORE, match_features, training_set
from feature_repo.verification import verify
from matchday import history
from matchday.bundle import write_bundle
from matchday.deadlines import deadlines
from matchday.events import EventsAddress
from matchday.features import published, services, tables
from matchday.features.player_form import player_form
from matchday.features.player_market import player_market
from matchday.features.services import SERVICES
from matchday.features.tables import TABLES, TEAM_TABLES
from matchday.features.team import FULL_TIME
from matchday.lake import Lake
from matchday.models.packaging import describe
from matchday.settings import Settings
from matchday.tables import Appearances, Matches, Teams, columns, name
from matchday.tables.player_form import PlayerForm
from matchday.tables.player_market import PlayerMarket
from tests import league
from tests.kinds import KIND, NAME, SERVICE, SavesFeatures, add_to_catalogue, by_hand, graph
from tests.services.processes import free_port, running
from tests.services.redis import redis_server
from tests.serving.conftest import COMMAND, environ
from tests.serving.log.samples import lines
from tests.waiting import eventually

pytestmark = pytest.mark.services

SEASONS = ("2425", "2526")
ALL = TABLES
SPRING = datetime(2026, 4, 1, tzinfo=UTC)
SUMMER = datetime(2025, 8, 14, tzinfo=UTC)
"""Before the first kick-off of 2025/26, after the deadline of no gameweek."""


@dataclass(frozen=True)
class World:
    """A lake with tables of teams and players."""

    folder: Path
    lake: Lake
    features: str

    def settings(self, online: str = "") -> Settings:
        address = online or str(self.folder / "online.db")
        return Settings(
            home=self.folder / "home", MATCHDAY_LAKE=str(self.folder / "lake"), MATCHDAY_ONLINE_STORE=address
        )


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The code with the model and the tables of players, and a lake of two seasons."""
    folder = tmp_path_factory.mktemp("players")
    lake = Lake(str(folder / "lake"))
    everyone = league.some(Appearances, SEASONS)
    appearances = everyone[everyone["player"] % 4 == 0].reset_index(drop=True)
    lake.write(Matches, league.some(Matches, SEASONS))
    lake.write(Appearances, appearances)
    for table, rows in zip(TEAM_TABLES, league.tables(), strict=True):
        lake.write(table, rows[rows["season"].isin(SEASONS)])
    lake.write(PlayerForm, player_form(appearances).sort_values(["player", "event_time"], ignore_index=True))
    market = player_market(appearances).drop_duplicates(["player", "event_time"])
    lake.write(PlayerMarket, market.sort_values(["player", "event_time", "team"], ignore_index=True))
    pins = folder / "published.json"
    pins.write_bytes(published.PUBLISHED.read_bytes())
    with pytest.MonkeyPatch.context() as patch:
        for module in (training, sources, materialisation, verification):
            patch.setattr(module, "TABLES", ALL)
        patch.setattr(services, "SERVICES", MappingProxyType({**SERVICES, SERVICE.name: SERVICE}))
        patch.setattr(published, "PUBLISHED", pins)
        add_to_catalogue(patch, served)
        published.publish(SERVICE, {})
        yield World(folder, lake, history.fingerprint(lake, ALL))


@pytest.fixture(scope="module")
def trained(world: World) -> pd.DataFrame:
    return training_set(KIND, world.settings(), world.lake, world.features, SPRING)


def test_the_training_set_has_each_players_match_that_had_ended(world: World, trained: pd.DataFrame) -> None:
    rows = world.lake.read(Appearances)
    ended = rows[(rows["kickoff"] + FULL_TIME <= SPRING) & (rows["position"] != "MNG")]
    assert len(trained) == len(ended) > 10_000
    assert list(trained.columns) == columns(SavesFeatures)
    both = trained.merge(ended, on=["match_id", "player"], suffixes=("", "_said"), validate="1:1")
    assert (both["result"] == both["points"]).all()
    assert (both["home"] == both["home_said"]).all()
    assert set(both.loc[both["position"] == "FWD", "position_number"]) == {3.0}


def test_features_are_those_known_at_the_deadline(world: World, trained: pd.DataFrame) -> None:
    matches, rows = world.lake.read(Matches), world.lake.read(Appearances)
    keyed = trained.merge(rows[["match_id", "player", "gameweek", "value"]], on=["match_id", "player"])
    deadline = deadlines(matches).reindex(pd.MultiIndex.from_frame(keyed[["season", "gameweek"]]))
    assert (keyed["event_time"].to_numpy() == deadline.to_numpy()).all()
    assert (keyed["event_time"] < keyed["kickoff"] - JUST_BEFORE).all()
    assert (keyed["player_price"] == keyed["value"]).all()
    form = world.lake.read(PlayerForm).sort_values("event_time")
    own = pd.merge_asof(
        keyed.sort_values("event_time"), form[["player", "event_time", "matches"]], on="event_time", by="player"
    )
    young = own["matches"].notna() & own["player_matches"].notna()
    assert (own.loc[young, "matches"] == own.loc[young, "player_matches"]).all()
    assert young.all()
    assert (own["matches"] == 0).any(), "a player never seen starts with nothing"


def test_rows_of_a_double_gameweek_are_all_as_of_its_one_deadline(world: World, trained: pd.DataFrame) -> None:
    rows = world.lake.read(Appearances)
    weeks = rows.groupby(["season", "gameweek", "player"])["match_id"].transform("size")
    double = rows[(weeks == 2) & (rows["position"] != "MNG") & (rows["kickoff"] < SPRING - timedelta(days=2))]
    both = trained.merge(double[["match_id", "player", "gameweek"]], on=["match_id", "player"])
    said = ["season", "gameweek", "player", "event_time", "player_points", "player_matches"]
    first_of_each = both[said].drop_duplicates()
    assert len(both) > 0
    assert not first_of_each.duplicated(["season", "gameweek", "player"]).any()


def test_a_feature_that_the_table_needs_may_not_be_missing(world: World) -> None:
    rows = world.lake.read(Appearances)
    some = rows[rows["season"] == "2526"].head(3).assign(opponent="ZZZ")
    with pytest.raises(FeatureStoreError, match="no features for 2526-"):
        match_features(KIND, world.settings(), world.lake, some)


@pytest.fixture(params=["sqlite", "redis"])
def online(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield str(tmp_path / "online.db")
        return
    with redis_server(tmp_path) as server:
        yield server.url


def test_a_players_features_are_the_same_in_training_online_and_as_served(
    world: World, trained: pd.DataFrame, online: str, tmp_path: Path
) -> None:
    """One gameweek, materialised at its deadline."""
    settings = world.settings(online)
    week = trained[trained["event_time"] == trained["event_time"].max()]
    moment = week["event_time"].iloc[0].to_pydatetime()
    materialisation.materialise(settings, world.lake, world.features, moment)
    found = verify(settings, world.lake, world.features, moment, [SERVICE])
    assert (found.rows, found.values, found.ahead) == (5, 5 * len(KIND.features), 0)  # noqa: PD011
    assert verify(settings, world.lake, world.features, moment).rows == 10
    log = tmp_path / "predictions.jsonl"
    asked = week[week["player_matches"].notna()].head(40)
    with serving(settings, tmp_path, log) as client:
        assert client.get("/v2/health/ready").status_code == 200
        answer = client.post(f"/v2/models/{NAME}/infer", json=request(asked)).json()
        assert "error" not in answer
        np.testing.assert_allclose(answer["outputs"][0]["data"], by_hand(asked), rtol=1e-5)
        assert answer["parameters"]["missing_features"] == 0
        unknown = client.post(f"/v2/models/{NAME}/infer", json=request(asked.head(1).assign(player=7)))
        assert unknown.status_code == 400 and unknown.json()["error"].startswith("unknown player 7: ")
        eventually(lambda: log.exists() and len(lines(log)) >= len(asked))
    [first, *_] = [line["data"] for line in lines(log)]
    assert first["entities"] == {"player": int(asked["player"].iloc[0]), **asked.iloc[0][["team", "opponent"]]}
    assert list(first["features"]) == list(KIND.feature_names) and set(first["output"]) == {"points"}
    assert first["features"]["home"] == asked["home"].iloc[0]
    compared = verify_served(settings, world.lake, EventsAddress.parse(f"file:{log}"))
    assert (compared.sampled, compared.equal, compared.not_comparable) == (len(asked), len(asked), {})


def test_what_a_player_did_in_may_is_known_in_august(world: World) -> None:
    """The store has his last row of the former season, and of teams only those of the new one."""
    settings = world.settings()
    materialisation.materialise(settings, world.lake, world.features, SUMMER)
    found = verify(settings, world.lake, world.features, SUMMER, [SERVICE])
    assert found.values == 5 * len(KIND.features)  # noqa: PD011
    with serving(settings, world.folder, world.folder / "summer.jsonl") as client:
        form = world.lake.read(PlayerForm)
        last = form[form["season"] == "2425"].sort_values("event_time").drop_duplicates("player", keep="last")
        may = last[last["event_time"] > pd.Timestamp("2025-05-20", tz="UTC")].iloc[0]
        row = pd.DataFrame(
            [{"player": may["player"], "team": "ARS", "opponent": "LIV", "home": 1, "position_number": 2}]
        )
        answer = client.post(f"/v2/models/{NAME}/infer", json=request(row.assign(kickoff=SPRING))).json()
    assert answer["parameters"]["missing_features"] == 0, answer


def request(rows: pd.DataFrame, **more: Any) -> dict[str, Any]:
    """A V2 request for rows of the training set."""
    kickoff = [moment.isoformat() for moment in rows["kickoff"]]
    given = [("player", "INT64", rows["player"].tolist()), ("kickoff", "BYTES", kickoff)]
    given += [(name, "BYTES", rows[name].tolist()) for name in ("team", "opponent")]
    given += [("home", "BOOL", rows["home"].astype(bool).tolist())]
    given += [("position_number", "FP64", rows["position_number"].astype(float).tolist())]
    inputs = [{"name": name, "datatype": kind, "shape": [len(rows)], "data": data} for name, kind, data in given]
    return {"inputs": inputs, **more}


@contextmanager
def serving(settings: Settings, folder: Path, log: Path) -> Iterator[httpx.Client]:
    """A client of a server of the model on the online store of the settings, which logs its forecasts."""
    bundle, port = folder / "bundle", free_port()
    write_bundle(bundle, graph(), describe(KIND, "f00d", SPRING.isoformat()), {}, "# a card\n")
    variables = environ(folder / "server", bundle, Path("none"), port, predictions=f"file:{log}")
    variables["MATCHDAY_SERVING_ONLINE_STORE"] = settings.online_store
    with running(COMMAND, port, variables), httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        yield client


def test_every_online_row_is_read_of_teams_and_of_players(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """As `matchday features stats` counts them."""
    monkeypatch.setattr(tables, "TABLES", ALL)
    settings = world.settings(str(world.folder / "counted.db"))
    materialisation.materialise(settings, world.lake, world.features, SPRING)
    rows = read_all(settings)
    assert {view for view, _ in rows} == set(map(name, TABLES))
    players = {key for view, key in rows if view == "player_form"}
    assert len(players) > 100 and all(isinstance(key, int) for key in players)
    assert {key for view, key in rows if view == "team_ratings"} == set(
        league.whole(Teams).query("season=='2526'")["team"]
    )
    stored = rows["player_form", min(players)]
    assert set(stored.values) == set(tables.features_of(PlayerForm))
