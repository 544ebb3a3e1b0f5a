"""Feast over a lake in a bucket: the same store and the same vectors as over a folder."""

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from feature_repo.materialise import materialise
from feature_repo.store import apply, open_store
from feature_repo.training import training_set
from matchday import history
from matchday.features.services import SERVICES
from matchday.features.tables import TABLES
from matchday.lake import Lake
from matchday.models.match_outcome.kind import MATCH_OUTCOME
from matchday.settings import Settings
from matchday.storage import StorageError
from matchday.tables import Matches, name
from tests import league
from tests.services.s3 import s3, s3_endpoint  # noqa: F401

pytestmark = pytest.mark.services

SEASONS = ("2425", "2526")
AS_OF = datetime(2026, 3, 1, tzinfo=UTC)


def filled(url: str) -> Lake:
    """A lake with two seasons of matches and features."""
    lake = Lake(url)
    lake.write(Matches, league.some(Matches, SEASONS))
    for table, rows in zip(TABLES, league.feature_tables(), strict=True):
        lake.write(table, rows[rows["season"].isin(SEASONS)])
    return lake


def stored(settings: Settings) -> list[tuple[object, ...]]:
    with sqlite3.connect(settings.online_file) as store:
        columns = "entity_key, feature_name, value, event_ts"
        return [
            row
            for view in map(name, TABLES)
            for row in store.execute(f"SELECT {columns} FROM matchday_{view} ORDER BY entity_key, feature_name")
        ]


def test_a_bucket_gives_what_a_folder_gives(s3: str, tmp_path: Path) -> None:  # noqa: F811
    found = []
    for home, url in (("folder", str(tmp_path / "lake")), ("bucket", f"{s3}/lake")):
        settings, lake = Settings(home=tmp_path / home), filled(url)
        features = history.fingerprint(lake, TABLES)
        materialise(settings, lake, features, AS_OF)
        found.append((stored(settings), training_set(MATCH_OUTCOME, settings, lake, features, AS_OF)))
    (rows, training), (rows_of_bucket, training_of_bucket) = found
    assert rows == rows_of_bucket != []
    pd.testing.assert_frame_equal(training, training_of_bucket)


def test_the_registry_in_a_bucket_is_read_by_feast_and_names_the_lake(
    s3: str,  # noqa: F811
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    settings, lake = Settings(home=home, MATCHDAY_FEAST_REGISTRY=f"{s3}/feast/registry.db"), filled(f"{s3}/lake")
    materialise(settings, lake, history.fingerprint(lake, TABLES), AS_OF)
    apply(settings, lake)
    store = open_store(settings, AS_OF)
    assert {entity.name for entity in store.list_entities()} >= {"team", "player"}
    assert [service.name for service in store.list_feature_services()] == list(SERVICES)
    for view in store.list_feature_views():
        assert view.batch_source.path.startswith(f"{s3}/lake/{view.name}/")
    service, match = store.get_feature_service(MATCH_OUTCOME.feature_service), [{"home": "ARS", "away": "LIV"}]
    found = store.get_online_features(service, match, full_feature_names=True).to_dict()
    assert found["home__team_strength__attack"] != [None]
    assert not (home / "feast" / "registry.db").exists()


def test_a_registry_in_a_bucket_that_is_not_there_is_named(s3: str, home: Path) -> None:  # noqa: F811
    settings, lake = Settings(home=home, MATCHDAY_FEAST_REGISTRY="s3://nowhere/registry.db"), filled(f"{s3}/lake")
    with pytest.raises(StorageError, match=r"s3://nowhere: cannot write there .*AWS_ENDPOINT_URL"):
        apply(settings, lake)
