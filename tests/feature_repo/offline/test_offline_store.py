"""The offline store through Feast: entity rows of every kind, saved datasets, writes, materialisation, buckets."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from feast import Entity, FeatureService, FeatureStore, FeatureView, Field, FileSource
from feast.errors import (
    EntityTimestampInferenceException,
    FeastEntityDFMissingColumnsError,
    SavedDatasetLocationAlreadyExists,
)
from feast.feature_logging import LoggingConfig
from feast.infra.offline_stores.file_source import FileLoggingDestination, SavedDatasetFileStorage
from feast.on_demand_feature_view import on_demand_feature_view
from feast.repo_config import RepoConfig
from feast.types import Float64, String

from feature_repo import quiet, store
from feature_repo.error import FeatureStoreError
from feature_repo.offline import AsofOfflineStore, AsofOfflineStoreConfig, join
from feature_repo.offline.source import ParquetSource
from tests.feature_repo.offline.definition import START, TTL, Asked, Row, World, frame, values, world
from tests.services.s3 import s3, s3_endpoint  # noqa: F401

ENGINES = ({"engine": "duckdb"}, {"engine": "daft"}, {"engine": "daft", "bucket_rows": 2})


def second(number: float) -> datetime:
    return START + timedelta(seconds=number)


FORM = [
    Row("A", 1, second(1), None, 1.0, 1),
    Row("A", 1, second(4), second(9), 4.0, 4),
    Row("B", 1, second(2), None, 2.0, 2),
]
PAIR = [Row("A", 1, second(3), None, 31.0, 1), Row("A", 2, second(3), None, 32.0, 2)]
ASKED = [Asked("A", "B", 1, second(4)), Asked("B", "A", 2, second(5)), Asked("Z", "A", 1, second(4))]
FOUND = [
    {"away__a": 2.0, "away__b": 2, "home__a": 4.0, "home__b": 4, "pair__a": None, "pair__c": None},
    {"away__a": 4.0, "away__b": 4, "home__a": 2.0, "home__b": 2, "pair__a": 32.0, "pair__c": 2},
    {"away__a": 4.0, "away__b": 4, "home__a": None, "home__b": None, "pair__a": 31.0, "pair__c": 1},
]


@pytest.fixture(scope="module", params=ENGINES, ids=["duckdb", "daft", "daft in buckets"])
def engine(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> World:
    folder = tmp_path_factory.mktemp("engine")
    return world(folder, {"type": "feature_repo.offline.AsofOfflineStore", **request.param})


@pytest.fixture
def ours(engine: World) -> World:
    engine.write({"form": FORM, "pair": PAIR})
    return engine


@pytest.fixture(scope="module")
def duck(tmp_path_factory: pytest.TempPathFactory) -> World:
    return world(tmp_path_factory.mktemp("duck"), {"type": "feature_repo.offline.AsofOfflineStore"})


@pytest.fixture
def plain(duck: World) -> World:
    duck.write({"form": FORM, "pair": PAIR})
    return duck


def test_the_project_names_this_store() -> None:
    config = yaml.safe_load((store.FOLDER / "feature_store.yaml").read_text(encoding="utf-8"))
    offline = RepoConfig(**config, repo_path=store.FOLDER).offline_store
    assert type(offline) is AsofOfflineStoreConfig
    assert offline.engine == "duckdb"


def test_an_engine_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="'duckdb' or 'daft'"):
        AsofOfflineStoreConfig(engine="spark")


def test_rows_keep_their_order_their_columns_and_their_doubles(ours: World) -> None:
    asked = frame([*ASKED, ASKED[0]]).sort_values("number", ascending=False).assign(label=["p", "q", "p", None])
    found = ours.join(asked)
    pd.testing.assert_frame_equal(found[list(asked.columns)], asked.reset_index(drop=True), check_dtype=False)
    assert values(found) == dict(enumerate([*FOUND, FOUND[0]]))


@pytest.mark.parametrize(
    "written",
    [
        lambda times: times.dt.tz_localize(None),
        lambda times: times.dt.tz_convert("America/New_York"),
        lambda times: times.dt.strftime("%Y-%m-%dT%H:%M:%S+00:00"),
        lambda times: times.astype("datetime64[ns, UTC]"),
    ],
    ids=["no zone", "another zone", "text", "nanoseconds"],
)
def test_moments_of_any_kind_are_utc(ours: World, written) -> None:
    asked = frame(ASKED)
    found = ours.join(asked.assign(event_timestamp=written(asked["event_timestamp"])))
    assert values(found) == dict(enumerate(FOUND))
    assert found["event_timestamp"].tolist() == asked["event_timestamp"].tolist()


def test_the_one_column_of_times_is_the_moment(plain: World) -> None:
    found = plain.join(frame(ASKED).rename(columns={"event_timestamp": "kickoff"}))
    assert values(found) == dict(enumerate(FOUND))
    with pytest.raises(EntityTimestampInferenceException):
        plain.join(frame(ASKED).drop(columns="event_timestamp"))


def test_a_nanosecond_too_early_sees_nothing(ours: World) -> None:
    asked = frame(ASKED[:1]).assign(event_timestamp=pd.Timestamp(second(2)) - pd.Timedelta(1, "ns"))
    assert values(ours.join(asked))[0]["away__a"] is None
    assert values(ours.join(asked.assign(event_timestamp=pd.Timestamp(second(2)))))[0]["away__a"] == 2.0


def test_entity_rows_may_be_a_query(ours: World, tmp_path: Path) -> None:
    frame(ASKED).to_parquet(tmp_path / "asked.parquet")
    found = ours.join(f"SELECT * FROM read_parquet('{tmp_path}/asked.parquet') WHERE number > 0")
    assert values(found) == {number: row for number, row in enumerate(FOUND) if number}


def test_a_query_that_fails_says_why(plain: World) -> None:
    with pytest.raises(FeatureStoreError, match=r"the query of entity rows fails: .*nowhere"):
        plain.join("SELECT * FROM nowhere")


def test_what_a_request_lacks_is_named(plain: World) -> None:
    with pytest.raises(FeastEntityDFMissingColumnsError, match="home"):
        plain.join(frame(ASKED).drop(columns="home"))
    with pytest.raises(FeatureStoreError, match="same names \\(home__a\\)"):
        plain.join(frame(ASKED).assign(home__a=1.0))
    pq.write_table(
        pq.read_table(plain.folder / "pair" / "b.parquet").drop_columns(["b"]), plain.folder / "pair/b.parquet"
    )
    with pytest.raises(FeatureStoreError, match=r"no file of .*pair/.* has a column 'c'"):
        plain.join(frame(ASKED))
    (plain.folder / "pair" / "b.parquet").write_bytes(b"not Parquet")
    with pytest.raises(FeatureStoreError, match=r"pair/b.parquet cannot be read"):
        plain.join(frame(ASKED))
    (plain.folder / "pair" / "b.parquet").unlink()
    with pytest.raises(FeatureStoreError, match=r"there are no Parquet files at .*pair"):
        plain.join(frame(ASKED))


def test_a_late_correction_does_not_leak(ours: World) -> None:
    """Row 4 was created at 9. Rows that say nothing of it are known from their event time."""
    asked = frame([Asked("B", "A", 2, second(moment)) for moment in (4, 9)])
    assert [row["away__a"] for row in values(ours.join(asked, until_known=True)).values()] == [1.0, None]
    late = dataclasses.replace(FORM[1], time=second(7))
    ours.write({"form": [FORM[0], late], "pair": PAIR})
    asked = frame([Asked("B", "A", 2, second(moment)) for moment in (8, 9)])
    assert [row["away__a"] for row in values(ours.join(asked, until_known=True)).values()] == [None, 4.0]
    assert [row["away__a"] for row in values(ours.join(asked)).values()] == [4.0, 4.0]


def test_files_without_the_column_created_are_older_than_those_with_it(ours: World) -> None:
    batch = [Row("A", 1, second(1), None, 1.0, 1)]
    streamed = [Row("A", 1, second(1), second(2), 2.0, 2)]
    ours.write({"form": [*batch, *streamed], "pair": []}, cuts=1)
    assert len(list((ours.folder / "form").iterdir())) == 2
    assert values(ours.join(frame([Asked("B", "A", 1, second(3))])))[0]["away__a"] == 2.0


def test_drafts_of_writers_are_not_read(plain: World) -> None:
    for name in (".b.parquet.new", ".c.parquet", "_d.parquet"):
        (plain.folder / "form" / name).write_bytes(b"half a file")
    assert values(plain.join(frame(ASKED))) == dict(enumerate(FOUND))


def test_without_entity_rows_every_entity_of_the_range_is_returned_as_of_its_end(ours: World) -> None:
    with quiet.silence_feast():
        job = ours.store.get_historical_features(
            features=["form:a", "pair:c"], start_date=second(3), end_date=second(4)
        )
        found = job.to_df()
    assert sorted(found.columns) == ["a", "c", "event_timestamp", "player", "team"]
    rows = found.sort_values(["team", "player"]).fillna(-1)[["team", "player", "a", "c"]].to_numpy().tolist()
    assert sorted(map(str, rows)) == sorted(
        map(str, [["A", -1.0, 4.0, -1.0], ["A", 1.0, 4.0, 1.0], ["A", 2.0, 4.0, 2.0]])
    )
    assert (found["event_timestamp"] == second(4)).all()
    assert (job.metadata.min_event_timestamp, job.metadata.max_event_timestamp) == (second(3), second(4))


def saved_rows(saved: pd.DataFrame) -> list[list[float]]:
    """Features of a saved dataset, of which Feast keeps no other columns than keys and time."""
    return as_numbers(list(values(saved.assign(number=range(len(saved)))).values()))


def as_numbers(rows: list[dict[str, Any]]) -> list[list[float]]:
    """Rows in one order, with -1 for what is missing."""
    return sorted([-1.0 if value is None else float(value) for value in row.values()] for row in rows)


@pytest.mark.parametrize("path", ["set.parquet", "set"])
def test_a_saved_dataset_is_read_back(ours: World, tmp_path: Path, path: str) -> None:
    where = SavedDatasetFileStorage(str(tmp_path / path))
    with quiet.silence_feast():

        def save(asked: list[Asked], overwrite: bool = False) -> None:
            job = ours.store.get_historical_features(frame(asked), ours.service, full_feature_names=True)
            ours.store.create_saved_dataset(job, "set", where, allow_overwrite=overwrite)

        save(ASKED)
        assert saved_rows(ours.store.get_saved_dataset("set").to_df()) == as_numbers(FOUND)
        with pytest.raises(SavedDatasetLocationAlreadyExists):
            save(ASKED)
        save(ASKED[:2], overwrite=True)
        assert saved_rows(ours.store.get_saved_dataset("set").to_df()) == as_numbers(FOUND[:2])


def test_a_query_is_saved_without_its_rows_in_memory(ours: World, tmp_path: Path) -> None:
    frame(ASKED).to_parquet(tmp_path / "asked.parquet")
    with quiet.silence_feast():
        job = ours.store.get_historical_features(
            f"SELECT * FROM read_parquet('{tmp_path}/asked.parquet')", ours.service, full_feature_names=True
        )
        saved = ours.store.create_saved_dataset(job, "queried", SavedDatasetFileStorage(str(tmp_path / "set")))
        assert saved_rows(saved.to_df()) == as_numbers(FOUND)
    assert (saved.min_event_timestamp, saved.max_event_timestamp) == (second(4), second(5))


def test_on_demand_features_are_computed_and_saved(plain: World, tmp_path: Path) -> None:
    form = plain.store.get_feature_view("form")

    @on_demand_feature_view(sources=[form], schema=[Field(name="twice", dtype=Float64)], mode="pandas")
    def doubled(inputs: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame({"twice": inputs["a"] * 2})

    with quiet.silence_feast():
        plain.store.apply([doubled])
        job = plain.store.get_historical_features(frame(ASKED), ["form:a", "doubled:twice"])
        saved = plain.store.create_saved_dataset(job, "doubled", SavedDatasetFileStorage(str(tmp_path / "set")))
        assert job.to_df()["twice"].tolist() == saved.to_df()["twice"].tolist() == [4.0, 8.0, 8.0]


def test_a_view_without_entities_has_one_history(ours: World) -> None:
    with quiet.silence_feast():
        league = FeatureView(
            name="league",
            entities=[],
            schema=[Field(name="a", dtype=Float64)],
            source=FileSource(name="league", path=str(ours.folder / "form"), timestamp_field="at"),
        )
        ours.store.apply([league])
        found = ours.store.get_historical_features(frame(ASKED)[["event_timestamp"]], ["league:a"]).to_df()
        ours.store.delete_feature_view("league")
    assert found["a"].tolist() == [4.0, 4.0, 4.0]


def pulled(world: World, kind: str, start: datetime, end: datetime) -> pd.DataFrame:
    arguments = {
        "config": world.store.config,
        "data_source": world.store.get_data_source("form"),
        "join_key_columns": ["team"],
        "feature_name_columns": ["a", "b"],
        "timestamp_field": "at",
        "created_timestamp_column": "created",
        "start_date": start,
        "end_date": end,
    }
    return getattr(AsofOfflineStore, f"pull_{kind}_from_table_or_query")(**arguments).to_df()


def test_the_latest_rows_of_a_range(plain: World) -> None:
    tied = [
        Row("A", 1, second(4), second(8), 5.0, 5),
        Row("A", 1, second(4), None, 6.0, 6),
        Row("B", 1, second(2), None, 7.0, 7),
    ]
    plain.write({"form": [*FORM, *tied], "pair": []})
    latest = pulled(plain, "latest", second(0), second(4)).sort_values("team")
    assert list(latest.columns) == ["team", "a", "b", "at", "created"]
    assert latest[["team", "a"]].to_numpy().tolist() == [["A", 4.0], ["B", 7.0]]
    assert pulled(plain, "latest", second(2), second(2))["a"].tolist() == [7.0]
    assert pulled(plain, "all", second(2), second(4))["a"].tolist() == [4.0, 2.0, 5.0, 6.0, 7.0]
    assert pulled(plain, "all", START.replace(tzinfo=None), second(1))["a"].tolist() == [1.0]


def test_materialisation_takes_the_latest_rows(plain: World) -> None:
    with quiet.silence_feast():
        plain.store.materialize(second(0), second(4))
        rows = [{"team": "B", "player": 1}, {"team": "A", "player": 2}]
        found = plain.store.get_online_features(["form:a", "pair:c"], rows).to_dict()
    assert found["a"] == [2.0, 4.0]
    assert found["c"] == [None, 2]


@pytest.mark.parametrize("path", ["b.parquet", "", "*.parquet"], ids=["file", "folder", "glob"])
def test_rows_are_appended(tmp_path: Path, path: str) -> None:
    ours = world(tmp_path / "world", {"type": "feature_repo.offline.AsofOfflineStore"}, path)
    ours.write({"form": FORM, "pair": PAIR})
    new = pd.DataFrame({"b": [9], "a": [9.0], "team": ["B"], "at": [second(4)], "created": [second(4)]})
    pair = pd.DataFrame({"side": ["B"], "player": [1], "when": [second(4)], "a": [8.0], "b": [8]})
    with quiet.silence_feast():
        ours.store.write_to_offline_store("form", new)
        ours.store.write_to_offline_store("pair", pair.assign(when=pair["when"].dt.tz_localize(None)))
        with pytest.raises(ValueError, match="columns"):
            ours.store.write_to_offline_store("form", new.drop(columns="a"))
    found = values(ours.join(frame(ASKED[:1])))
    assert found[0] == FOUND[0] | {"away__a": 9.0, "away__b": 9, "pair__a": 8.0, "pair__c": 8}


def test_the_column_created_may_be_new(plain: World) -> None:
    bare = pq.read_table(plain.folder / "form" / "b.parquet").drop_columns(["created"])
    pq.write_table(bare, plain.folder / "form" / "b.parquet")
    row = {"team": ["A"], "at": [second(4)], "created": [second(4)], "a": [9.0], "b": [9]}
    view = plain.store.get_feature_view("form")
    AsofOfflineStore.offline_write_batch(plain.store.config, view, pa.table(row), None)
    assert values(plain.join(frame(ASKED)))[1]["away__a"] == 9.0
    with pytest.raises(ValueError, match="is written with the columns"):
        AsofOfflineStore.offline_write_batch(plain.store.config, view, pa.table({**row, "other": [1]}), None)


def test_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    ours = world(tmp_path / "world", {"type": "feature_repo.offline.AsofOfflineStore"}, "b.parquet")
    view = ours.store.get_feature_view("form")
    rows = [pa.table({"team": ["A"], "at": [second(n)], "created": [None], "a": [1.0 * n], "b": [n]}) for n in range(8)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda row: AsofOfflineStore.offline_write_batch(ours.store.config, view, row, None), rows))
    assert sorted(pq.read_table(tmp_path / "world" / "form" / "b.parquet")["b"].to_pylist()) == list(range(8))


def test_a_pattern_that_would_not_find_a_new_file_is_refused(tmp_path: Path) -> None:
    ours = world(tmp_path / "world", {"type": "feature_repo.offline.AsofOfflineStore"}, "b*.parquet")
    with pytest.raises(FeatureStoreError, match="would not find a new file"):
        ours.store.write_to_offline_store(
            "form", pd.DataFrame({"team": ["B"], "at": [second(4)], "created": [second(4)], "a": [9.0], "b": [9]})
        )


def test_served_features_are_logged(plain: World, tmp_path: Path) -> None:
    destination = FileLoggingDestination(path=str(tmp_path / "log"), partition_by=["day"])
    for day in ("mon", "tue"):
        AsofOfflineStore.write_logged_features(
            plain.store.config,
            pa.table({"a": [1.0], "day": [day]}),
            None,
            LoggingConfig(destination=destination),
            plain.store.registry,
        )
    assert pq.read_table(tmp_path / "log").num_rows == 2


def test_a_source_that_is_no_parquet_file_is_refused(tmp_path: Path) -> None:
    from feast import PushSource
    from feast.data_format import DeltaFormat

    file = FileSource(name="x", path="x", timestamp_field="at", file_format=DeltaFormat())
    for source in (file, PushSource(name="p", batch_source=file)):
        with pytest.raises(FeatureStoreError, match="is no FileSource of Parquet files"):
            ParquetSource.of(source, tmp_path)


def test_a_small_memory_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """DuckDB goes on in temporary files, and leaves none."""
    monkeypatch.setattr(join, "HELD_BYTES", 0)
    many = [Row("AB"[number % 2], 1, second(number / 1000), None, float(number), number) for number in range(20_000)]
    ours = world(tmp_path / "world", {"type": "feature_repo.offline.AsofOfflineStore", "memory": "24MB"})
    ours.write({"form": many, "pair": []})
    found = ours.join(frame([Asked("A", "B", 1, second(5.0005))]))
    assert (values(found)[0]["home__a"], values(found)[0]["away__a"]) == (5000.0, 4999.0)


def in_bucket(bucket: str, folder: Path, **offline: object) -> FeatureStore:
    config = RepoConfig(
        project="bucket",
        provider="local",
        registry=str(folder / "registry.db"),
        online_store={"type": "sqlite", "path": str(folder / "online.db")},
        offline_store={"type": "feature_repo.offline.AsofOfflineStore", **offline},
        entity_key_serialization_version=3,
    )
    team = Entity(name="team", join_keys=["team"])
    form = FeatureView(
        name="form",
        entities=[team],
        ttl=TTL,
        schema=[Field(name="team", dtype=String), Field(name="a", dtype=Float64)],
        source=FileSource(name="form", path=f"{bucket}/form", timestamp_field="at", created_timestamp_column="created"),
    )
    store = FeatureStore(config=config)
    store.apply([team, form, FeatureService(name="all", features=[form])])
    return store


@pytest.mark.parametrize("options", ENGINES[1:], ids=["daft", "daft in buckets"])
def test_a_bucket_is_read_and_written(s3: str, tmp_path: Path, options) -> None:  # noqa: F811
    target = ParquetSource(f"{s3}/form")
    from feature_repo.offline import writing

    writing.save(pa.table({"team": ["A", "B"], "at": [second(1), second(2)], "a": [1.0, 2.0]}), target)
    with quiet.silence_feast():
        store = in_bucket(s3, tmp_path)
        new = {"team": ["A"], "at": [second(1)], "created": [second(3)], "a": [9.0]}
        AsofOfflineStore.offline_write_batch(store.config, store.get_feature_view("form"), pa.table(new), None)
        for engine in (store, in_bucket(s3, tmp_path, **options)):
            job = engine.get_historical_features(frame(ASKED), ["form:a"])
            assert job.to_df()["a"].tolist() == [2.0, None, 9.0] or job.to_df()["a"].isna().tolist() == [
                False,
                True,
                False,
            ]
            saved = engine.create_saved_dataset(job, "set", SavedDatasetFileStorage(f"{s3}/set"), allow_overwrite=True)
            assert saved.to_df()["a"].sum() == 11.0
    one = ParquetSource(f"{s3}/one.parquet")
    writing.save(pa.table({"a": [1]}), one)
    writing.append(pa.table({"a": [2]}), one)
    with duckdb.connect() as connection:
        connection.register_filesystem(one.filesystem())
        assert connection.sql(f"SELECT a FROM '{s3}/one.parquet'").fetchall() == [(1,), (2,)]
