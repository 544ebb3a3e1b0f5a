"""Feast over a lake in a bucket: the same store and the same vectors as over a folder."""

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from feature_repo.materialise import materialise
from feature_repo.training import outcome_training_set
from matchday import history
from matchday.features.tables import TABLES
from matchday.lake import Lake
from matchday.settings import Settings
from matchday.tables import Matches
from tests import league
from tests.services.s3 import s3, s3_endpoint  # noqa: F401

pytestmark = pytest.mark.services

SEASONS = ("2425", "2526")
AS_OF = datetime(2026, 3, 1, tzinfo=UTC)


def filled(url: str) -> Lake:
    """A lake with two seasons of matches and features."""
    lake = Lake(url)
    lake.write(Matches, league.some(Matches, SEASONS))
    for table, rows in zip(TABLES, league.tables(), strict=True):
        lake.write(table, rows[rows["season"].isin(SEASONS)])
    return lake


def stored(settings: Settings) -> list[tuple[object, ...]]:
    with sqlite3.connect(settings.online_store) as store:
        columns = "entity_key, feature_name, value, event_ts"
        return [
            row
            for view in ("team_form", "team_ratings")
            for row in store.execute(f"SELECT {columns} FROM matchday_{view} ORDER BY entity_key, feature_name")
        ]


def test_a_bucket_gives_what_a_folder_gives(s3: str, tmp_path: Path) -> None:  # noqa: F811
    found = []
    for name, url in (("folder", str(tmp_path / "lake")), ("bucket", f"{s3}/lake")):
        settings, lake = Settings(home=tmp_path / name), filled(url)
        features = history.fingerprint(lake, TABLES)
        materialise(settings, lake, features, AS_OF)
        found.append((stored(settings), outcome_training_set(settings, lake, features, AS_OF)))
    (rows, training), (rows_of_bucket, training_of_bucket) = found
    assert rows == rows_of_bucket != []
    pd.testing.assert_frame_equal(training, training_of_bucket)
