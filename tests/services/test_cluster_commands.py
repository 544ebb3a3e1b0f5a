"""The commands of a release's Jobs: each does its part once, and says what it found."""

import io
from datetime import datetime
from pathlib import Path

import pytest

from console import cluster, screen
from feature_repo.store import open_store
from matchday.bundle import write_bundle
from matchday.errors import MatchdayError
from matchday.features.tables import TABLES
from matchday.lake import Lake
from matchday.registry import Registry
from matchday.settings import Settings
from matchday.signature import FeatureRef
from tests import league
from tests.pipelines.kubeflow_api import kubeflow_api
from tests.services.processes import free_port
from tests.services.s3 import BUCKET, s3, s3_endpoint  # noqa: F401
from tests.signatures import match_signature

pytestmark = pytest.mark.services

MODEL = "match-outcome"


@pytest.fixture(autouse=True)
def shown(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What the terminal shows."""
    told = io.StringIO()
    monkeypatch.setattr(screen.console, "_file", told)
    return told


@pytest.fixture
def lake(s3: str, monkeypatch: pytest.MonkeyPatch) -> Lake:  # noqa: F811
    """The lake of the settings, in a bucket beside Feast's registry."""
    monkeypatch.setenv("MATCHDAY_LAKE", f"{s3}/lake")
    monkeypatch.setenv("MATCHDAY_FEAST_REGISTRY", f"{s3}/feast/registry.db")
    return Lake(f"{s3}/lake")


def test_the_buckets_of_the_settings_are_made(lake: Lake, shown: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATCHDAY_FEAST_REGISTRY", "s3://matchday-feast/registry.db")
    for _ in range(2):
        cluster.make_bucket(5)
    assert shown.getvalue().splitlines() == [
        "bucket matchday-feast made",
        f"bucket {BUCKET} is there already",
        "bucket matchday-feast is there already",
        f"bucket {BUCKET} is there already",
    ]


def test_without_a_bucket_it_is_said_which_variables_name_one() -> None:
    with pytest.raises(MatchdayError, match="neither MATCHDAY_LAKE nor MATCHDAY_FEAST_REGISTRY names a bucket"):
        cluster.make_bucket(5)


def test_features_are_applied_once_there_are_any(lake: Lake, shown: io.StringIO) -> None:
    cluster.features(5)
    assert "no feature tables in s3://" in shown.getvalue()
    for table, rows in zip(TABLES, league.tables(), strict=True):
        lake.write(table, rows[rows["season"] == "2526"])
    cluster.features(5)
    assert shown.getvalue().splitlines()[-1] == f"feature definitions applied to s3://{BUCKET}/feast/registry.db"
    assert len(open_store(Settings()).list_feature_views()) == len(TABLES)


def test_a_database_has_to_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(cluster.DATABASE, raising=False)
    with pytest.raises(MatchdayError, match="MLFLOW_BACKEND_STORE_URI is not set: give it postgresql://"):
        cluster.database(1)


def crown(folder: Path) -> None:
    """Make a champion."""
    feature = FeatureRef("home_elo", "home", "team_ratings", "elo")
    write_bundle(folder, b"graph", match_signature([feature], model=MODEL), {"baseline": [0.5]}, "# Card\n")
    registry = Registry(Settings().tracking_uri)
    registry.promote(MODEL, registry.log_run("tests", {}, {}, {}, folder, MODEL).version)


def champion(**given: str) -> None:
    cluster.champion(5, **{"image": "matchday-pipeline:abc", "environment": "autumn", "namespace": "runs", **given})


def test_a_champion_that_is_there_stays(tmp_path: Path, shown: io.StringIO) -> None:
    crown(tmp_path / "bundle")
    champion()
    assert shown.getvalue() == "match-outcome version 1 is champion already\n"


@pytest.mark.parametrize("endpoint", ["", "http://127.0.0.1:{port}"])
def test_without_kubeflow_one_is_trained_here(
    tmp_path: Path, shown: io.StringIO, monkeypatch: pytest.MonkeyPatch, endpoint: str
) -> None:
    asked: list[datetime] = []

    def train(as_of: datetime) -> None:
        asked.append(as_of)
        crown(tmp_path / "bundle")

    monkeypatch.setenv("KFP_ENDPOINT", endpoint.format(port=free_port()))
    monkeypatch.setattr(cluster.training, "run", train)
    champion()
    assert [f"{one:%Y-%m-%d %H}" for one in asked] == ["2026-05-24 17"]
    *before, last = shown.getvalue().splitlines()
    assert last == "match-outcome version 1 is champion"
    assert ("training here instead" in "".join(before)) is bool(endpoint)


def test_with_kubeflow_a_run_is_begun_there(shown: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.runs._pods", lambda _: None)
    with kubeflow_api() as api:
        monkeypatch.setenv("KFP_ENDPOINT", api.endpoint)
        with pytest.raises(MatchdayError, match="the run has promoted nothing"):
            champion()
    [sent] = api.runs
    assert sent["display_name"] == "train-match-outcome as of 2026-05-24"
    assert "autumn-credentials" in str(sent["pipeline_spec"]["platform_spec"])
    assert "run r1 of train-match-outcome" in shown.getvalue()


def test_a_tracking_server_that_never_answers_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATCHDAY_TRACKING_URI", f"http://127.0.0.1:{free_port()}")
    with pytest.raises(MatchdayError, match=r"MLflow at http://.*no answer; is it running\? \(waited 1 s\)"):
        cluster.champion(1, "matchday-pipeline:abc", "autumn", "runs")
