"""Versions of a feature service live side by side in one online store; none changes in place."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from feature_repo import materialise as materialisation
from feature_repo import sources
from feature_repo.definitions import definitions
from feature_repo.error import FeatureStoreError
from feature_repo.lineage import read_applied
from feature_repo.served import verify_served
from matchday import history
from matchday.features import published, services
from matchday.features.published import FeatureVersionError, publish
from matchday.features.services import SERVICES, FeatureService
from matchday.features.tables import TABLES
from matchday.models.kind import ModelKind
from matchday.tables import TeamForm, TeamRatings
from tests.feature_repo.served_world import SPRING, ServedWorld, pack
from tests.league import WITH_FORM
from tests.services.redis import redis_server

V1 = SERVICES["match_outcome_v1"]


class TeamFormV2(TeamForm):
    """Form of teams, with points as a share of those that can be won."""


SECOND_VERSION = FeatureService(
    "match_outcome_v3",
    "Form and ratings of both teams, again.",
    V1.inputs,
    tuple(replace(ref, view=ref.view.replace("team_form", "team_form_v2")) for ref in V1.features[1:]),
)
SECOND: ModelKind = replace(WITH_FORM, feature_service=SECOND_VERSION.name, features=SECOND_VERSION.features)


@pytest.fixture
def pins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "published.json"
    file.write_bytes(published.PUBLISHED.read_bytes())
    monkeypatch.setattr(published, "PUBLISHED", file)
    return file


def use(monkeypatch: pytest.MonkeyPatch, *given: FeatureService) -> None:
    """Let the code define these services in place of those of their names."""
    known = MappingProxyType({**SERVICES, **{one.name: one for one in given}})
    monkeypatch.setattr(services, "SERVICES", known)


@pytest.fixture(params=["sqlite", "redis"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Address of an online store; empty for a file."""
    if request.param == "sqlite":
        yield ""
        return
    folder = tmp_path / "redis"
    folder.mkdir()
    with redis_server(folder) as server:
        yield server.url


@pytest.mark.services
def test_bundles_of_two_versions_are_served_from_one_store_while_a_canary_runs(
    store: str, tmp_path: Path, pins: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = ServedWorld.make(tmp_path / "world", store)
    first, second = pack(tmp_path / "first"), pack(tmp_path / "second", SECOND)
    with world.serving(first) as stable:
        before = stable.forecast(["ARS", "MCI"], ["LIV", "EVE"])
        publish_second(world, monkeypatch)
        assert stable.forecast(["ARS", "MCI"], ["LIV", "EVE"])["outputs"] == before["outputs"]
        with world.serving(second, variant="canary") as canary:
            said = canary.forecast(["ARS", "MCI"], ["LIV", "EVE"])["parameters"]
            assert (said["feature_service"], said["missing_features"]) == (SECOND_VERSION.name, 0)
            stable.forecast(["ARS", "MCI"], ["LIV", "EVE"])
            world.wait_for(8)
    logged = world.logged()
    versions = {data["feature_service"]: data["features"] for data in logged if data["entities"]["home"] == "ARS"}
    assert {name: len(features) for name, features in versions.items()} == {V1.name: 31, SECOND_VERSION.name: 30}
    assert versions[SECOND_VERSION.name]["home_points_5"] == pytest.approx(versions[V1.name]["home_points_5"] / 3)
    found = verify_served(world.settings, world.lake, world.log)
    assert (found.sampled, found.equal) == (8, 8)
    applied = read_applied(world.settings)
    assert applied.keys() == {
        "match_outcome_v1",
        "match_outcome_v2",
        SECOND_VERSION.name,
        "player_points_v1",
        "total_goals_v1",
        *VIEWS,
    }
    assert applied["team_form_v2"].lineage["data"] == world.lake.fingerprint(TeamFormV2)


VIEWS = ("team_form", "team_form_v2", "team_ratings", "team_strength", "player_form", "player_market")


def publish_second(world: ServedWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a release with the second version does: its table, its definition, its rows in the online store."""
    form = world.lake.read(TeamForm)
    world.lake.write(TeamFormV2, form.assign(points_5=form["points_5"] / 3, points_10=form["points_10"] / 3))
    for module in (sources, materialisation):
        monkeypatch.setattr(module, "TABLES", (*TABLES, TeamFormV2))
    use(monkeypatch, SECOND_VERSION)
    publish(SECOND_VERSION, {})
    features = history.fingerprint(world.lake, (*TABLES, TeamFormV2))
    materialisation.materialise(world.settings, world.lake, features, SPRING)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> ServedWorld:
    return ServedWorld.make(tmp_path_factory.mktemp("world"))


CHANGED = replace(V1, features=V1.features[1:])
REFUSAL = (
    "the feature service match_outcome_v1 is not the one {where}: it lacks league_level. Models that are served read"
    " match_outcome_v1: leave it as it was and add the change as match_outcome_v3 to matchday/features/services.py"
)


def test_a_published_version_that_was_changed_reaches_neither_store_nor_registry(
    world: ServedWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [world.settings.online_file, Path(world.settings.feast_registry)]
    before = [file.read_bytes() for file in files]
    use(monkeypatch, CHANGED)
    with pytest.raises(FeatureVersionError) as why:
        world.materialise()
    assert str(why.value) == REFUSAL.format(where="published in published.json")
    assert [file.read_bytes() for file in files] == before


def test_a_changed_pin_does_not_let_it_in_where_the_former_was_applied(
    world: ServedWorld, pins: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = world.settings.online_file.read_bytes()
    use(monkeypatch, CHANGED)
    pins.write_text("{}")
    for service in services.SERVICES.values():
        publish(service, {})
    with pytest.raises(FeatureVersionError) as why:
        world.materialise()
    applied = read_applied(world.settings)["match_outcome_v1"].lineage["applied"]
    assert str(why.value) == REFUSAL.format(where=f"applied at {applied} to {world.settings.feast_registry}")
    assert world.settings.online_file.read_bytes() == before


def test_a_version_that_nobody_published_is_refused(world: ServedWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, SECOND_VERSION)
    with pytest.raises(FeatureVersionError, match="'matchday features publish match_outcome_v3' pins its definition"):
        world.materialise()


def test_lineage_is_written_down_with_the_definitions(world: ServedWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATCHDAY_COMMIT", "5e1f")
    world.materialise()
    applied = read_applied(world.settings)
    form, service = applied["team_form"], applied["match_outcome_v1"]
    assert form.lineage["table"] == world.lake.address(TeamForm).removesuffix("/current.json")
    assert form.lineage["data"] == world.lake.fingerprint(TeamForm)
    assert form.lineage["commit"] == service.lineage["commit"] == "5e1f"
    assert form.lineage["applied"] == service.lineage["applied"]
    assert service.definition == published.describe(V1)
    assert service.lineage["fingerprint"] == published.fingerprint(service.definition)


@pytest.mark.parametrize("change", [{"feature": "moon"}, {"dtype": "int64"}, {"view": "team_moods"}])
def test_a_view_that_lacks_what_a_service_reads_is_named(
    world: ServedWorld, change: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, replace(V1, features=(replace(V1.features[0], **change), *V1.features[1:])))
    with pytest.raises(FeatureStoreError, match=r"match_outcome_v1 reads .*, which has none of this name and type"):
        definitions({table: world.lake.address(table) for table in (TeamForm, TeamRatings)})
