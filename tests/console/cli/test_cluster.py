"""The commands of a release's Jobs: each does its part once, and says what it found."""

from datetime import datetime
from pathlib import Path

import pytest

from console.cli import cluster as commands
from console.operations import cluster, training
from console.operations.events import LocalRunFinished
from feature_repo.store import open_store
from matchday.bundle import write_bundle
from matchday.errors import MatchdayError
from matchday.features.tables import TABLES
from matchday.lake import Lake
from matchday.registry import Registry
from matchday.settings import Settings
from matchday.signature import FeatureRef
from tests import league
from tests.console.conftest import Printed
from tests.pipelines.kubeflow_api import kubeflow_api
from tests.services.processes import free_port
from tests.services.s3 import BUCKET, s3, s3_endpoint  # noqa: F401
from tests.signatures import match_signature

pytestmark = pytest.mark.services

MODEL = "match-outcome"


@pytest.fixture
def lake(s3: str, monkeypatch: pytest.MonkeyPatch) -> Lake:  # noqa: F811
    """The lake of the settings, in a bucket beside Feast's registry."""
    monkeypatch.setenv("MATCHDAY_LAKE", f"{s3}/lake")
    monkeypatch.setenv("MATCHDAY_FEAST_REGISTRY", f"{s3}/feast/registry.db")
    return Lake(f"{s3}/lake")


def test_the_buckets_of_the_settings_are_made(lake: Lake, printed: Printed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATCHDAY_FEAST_REGISTRY", "s3://matchday-feast/registry.db")
    monkeypatch.setenv("MATCHDAY_COLLECTED", "s3://matchday-collected/season")
    for _ in range(2):
        commands.bucket(5)
    assert printed.text().splitlines() == [
        "bucket matchday-collected made",
        "bucket matchday-feast made",
        f"bucket {BUCKET} is there already",
        "bucket matchday-collected is there already",
        "bucket matchday-feast is there already",
        f"bucket {BUCKET} is there already",
    ]


def test_without_a_bucket_it_is_said_which_variables_name_one() -> None:
    with pytest.raises(MatchdayError, match="neither MATCHDAY_LAKE nor MATCHDAY_FEAST_REGISTRY names a bucket"):
        commands.bucket(5)


def test_features_are_applied_once_there_are_any(lake: Lake, printed: Printed) -> None:
    commands.features(5)
    assert "no feature tables in s3://" in printed.text()
    for table, rows in zip(TABLES, league.feature_tables(), strict=True):
        lake.write(table, rows[rows["season"] == "2526"])
    commands.features(5)
    assert printed.text().splitlines()[-1] == f"feature definitions applied to s3://{BUCKET}/feast/registry.db"
    assert len(open_store(Settings()).list_feature_views()) == len(TABLES)


def test_a_database_has_to_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(cluster.DATABASE, raising=False)
    with pytest.raises(MatchdayError, match="MLFLOW_BACKEND_STORE_URI is not set: give it postgresql://"):
        commands.database(1)


def crown(folder: Path) -> None:
    """Make a champion."""
    feature = FeatureRef("home_elo", "home", "team_ratings", "elo")
    write_bundle(folder, b"graph", match_signature([feature], model=MODEL), {"baseline": [0.5]}, "# Card\n")
    registry = Registry(Settings().tracking_uri)
    registry.promote(MODEL, registry.log_run("tests", {}, {}, {}, folder, MODEL).version)


def champion(**given: str) -> None:
    commands.champion(
        **{"image": "matchday-pipeline:abc", "environment": "autumn", "namespace": "runs", **given}, seconds=5
    )


def test_a_champion_that_is_there_stays(tmp_path: Path, printed: Printed) -> None:
    crown(tmp_path / "bundle")
    champion()
    assert printed.text() == "match-outcome version 1 is champion already\n"


@pytest.mark.parametrize("endpoint", ["", "http://127.0.0.1:{port}"])
def test_without_kubeflow_one_is_trained_here(
    tmp_path: Path, printed: Printed, monkeypatch: pytest.MonkeyPatch, endpoint: str
) -> None:
    asked: list[datetime] = []

    def train(model: str, as_of: datetime, on_event: object) -> LocalRunFinished:
        asked.append(as_of)
        crown(tmp_path / "bundle")
        return LocalRunFinished(12, 0)

    monkeypatch.setenv("KFP_ENDPOINT", endpoint.format(port=free_port()))
    monkeypatch.setattr(training, "train", train)
    champion()
    assert [f"{one:%Y-%m-%d %H}" for one in asked] == ["2026-05-24 17"]
    *before, last = printed.text().splitlines()
    assert last == "match-outcome version 1 is champion"
    assert ("training here instead" in "".join(before)) is bool(endpoint)


def test_with_kubeflow_a_run_is_begun_there(printed: Printed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.operations.runs._pods", lambda _: None)
    with kubeflow_api() as api:
        monkeypatch.setenv("KFP_ENDPOINT", api.endpoint)
        with pytest.raises(MatchdayError, match="the run promoted nothing"):
            champion()
    [sent] = api.runs
    assert sent["display_name"] == "train-match-outcome as of 2026-05-24"
    assert "autumn-credentials" in str(sent["pipeline_spec"]["platform_spec"])
    assert "run r1 of train-match-outcome" in printed.text()


def test_a_tracking_server_that_never_answers_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATCHDAY_TRACKING_URI", f"http://127.0.0.1:{free_port()}")
    with pytest.raises(MatchdayError, match=r"MLflow at http://.*no answer; is it running\? \(waited 1 s\)"):
        cluster.ensure_champion(MODEL, 1, "matchday-pipeline:abc", "autumn", "runs", lambda _: None)
