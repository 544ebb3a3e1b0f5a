"""The point-in-time join said in plain Python, a small world to try it on, and Feast over that world."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig, ValueType
from feast.types import Float64, Int64, String
from hypothesis import strategies as st

from feature_repo import quiet

START = datetime(2026, 1, 1, tzinfo=UTC)
TTL = timedelta(seconds=3)
NEVER = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Row:
    """A row of a source. `gone`: it has no such column in its file."""

    team: str | None
    player: int | None
    time: datetime | None
    created: datetime | None
    a: float | None
    b: int | None


@dataclass(frozen=True)
class Asked:
    """An entity row."""

    home: str | None
    team: str | None
    player: int | None
    time: datetime | None


@dataclass(frozen=True)
class View:
    """A view of the world: where its keys come from, whether it looks at `created`, its time to live."""

    keys: dict[str, str]
    features: dict[str, str]
    created: bool = False
    ttl: timedelta | None = None
    source: str = "form"


VIEWS = {
    "away": View({"team": "team"}, {"away__a": "a", "away__b": "b"}, created=True, ttl=TTL),
    "home": View({"home": "team"}, {"home__a": "a", "home__b": "b"}, created=True, ttl=TTL),
    "pair": View({"team": "team", "player": "player"}, {"pair__a": "a", "pair__c": "b"}, source="pair"),
}


def latest(asked: Asked, rows: list[Row], view: View, until_known: bool) -> Row | None:
    """The row that an entity row takes: the definition."""
    best, best_rank = None, None
    for place, row in enumerate(rows):
        keys = [(getattr(asked, ours), getattr(row, theirs)) for ours, theirs in view.keys.items()]
        if any(ours is None or ours != theirs for ours, theirs in keys):
            continue
        if asked.time is None or row.time is None or row.time > asked.time:
            continue
        if view.ttl and asked.time - row.time > view.ttl:
            continue
        created = (row.created if view.created else None) or NEVER
        if until_known and created > asked.time:
            continue
        rank = (row.time, created, place)
        if best_rank is None or rank > best_rank:
            best, best_rank = row, rank
    return best


def expected(asked: list[Asked], sources: dict[str, list[Row]], until_known: bool) -> list[dict[str, Any]]:
    """Features of each entity row."""
    found = []
    for each in asked:
        values = {}
        for view in VIEWS.values():
            row = latest(each, sources[view.source], view, until_known)
            values |= {name: getattr(row, column) if row else None for name, column in view.features.items()}
        found.append(values)
    return found


def moments(last: int = 8) -> st.SearchStrategy[datetime]:
    """Whole seconds, and a microsecond to either side: the edges of the time to live."""
    return st.builds(
        lambda second, micro: START + timedelta(seconds=second, microseconds=micro),
        st.integers(0, last),
        st.sampled_from((0, 0, 0, -1, 1)),
    )


def source_rows(nulls: bool) -> st.SearchStrategy[list[Row]]:
    """Few keys and few moments, so that ties are common. nulls: in keys, event times and created times too."""
    maybe = st.none() if nulls else st.nothing()
    return st.lists(
        st.builds(
            Row,
            st.sampled_from("AB") | maybe,
            st.sampled_from((1, 2)) | maybe,
            moments() | maybe,
            moments(12) | maybe,
            st.sampled_from((0.5, 1.5)) | st.none() | st.floats(allow_nan=False),
            st.integers(-3, 3) | st.none(),
        ),
        max_size=9,
    )


def entity_rows(nulls: bool) -> st.SearchStrategy[list[Asked]]:
    """Entity rows, some of entities that no source has."""
    maybe = st.none() if nulls else st.nothing()
    teams = st.sampled_from("ABZ") | maybe
    return st.lists(
        st.builds(Asked, teams, teams, st.sampled_from((1, 2, 9)) | maybe, moments(12) | maybe), min_size=1, max_size=6
    )


def frame(asked: list[Asked]) -> pd.DataFrame:
    """Entity rows as a caller has them, each with a number."""
    return pd.DataFrame(
        {
            "number": range(len(asked)),
            "home": pd.Series([each.home for each in asked], dtype=object),
            "team": pd.Series([each.team for each in asked], dtype=object),
            "player": pd.Series([each.player for each in asked], dtype="Int64"),
            "event_timestamp": pd.to_datetime([each.time for each in asked], utc=True).astype("datetime64[us, UTC]"),
        }
    )


def values(found: pd.DataFrame) -> dict[int, dict[str, Any]]:
    """Features by the number of the entity row, with None for what is missing."""
    names = [name for view in VIEWS.values() for name in view.features]
    columns = {name: [None if pd.isna(value) else value for value in found[name]] for name in names}
    return {int(number): {name: columns[name][place] for name in names} for place, number in enumerate(found["number"])}


SCHEMAS = {
    "form": {"team": pa.string(), "at": pa.timestamp("us", "UTC"), "created": pa.timestamp("us", "UTC")},
    "pair": {"side": pa.string(), "player": pa.int64(), "when": pa.timestamp("us")},
}


def table(name: str, rows: list[Row], created: bool = True, zone: bool = False) -> pa.Table:
    """The file of a source: `pair` has other names than its view, and times without a zone unless `zone`."""
    kinds = SCHEMAS["form"] | SCHEMAS[name] | ({"when": pa.timestamp("us", "UTC")} if zone else {})
    columns: dict[str, list[Any]] = {
        "form": {"team": [row.team for row in rows], "at": [row.time for row in rows]},
        "pair": {
            "side": [row.team for row in rows],
            "player": [row.player for row in rows],
            "when": [row.time and row.time.replace(tzinfo=UTC if zone else None) for row in rows],
        },
    }[name]
    if created and name == "form":
        columns["created"] = [row.created for row in rows]
    arrays = {column: pa.array(each, kinds[column]) for column, each in columns.items()}
    arrays |= {"a": pa.array([row.a for row in rows], pa.float64()), "b": pa.array([row.b for row in rows], pa.int64())}
    return pa.table(arrays)


@dataclass
class World:
    """A Feast store over Parquet files that each example writes anew."""

    store: FeatureStore
    folder: Path
    zone: bool = False

    def write(self, sources: dict[str, list[Row]], cuts: int = 0) -> None:
        """Each source in one file; with cuts in several, of which the first have no column `created`."""
        for name, rows in sources.items():
            folder = self.folder / name
            for file in folder.iterdir():
                file.unlink()
            bare = [each for each in rows[:cuts] if each.created is None]
            if cuts and len(bare) == len(rows[:cuts]) and bare:
                pq.write_table(table(name, bare, created=False), folder / "a.parquet")
                rows = rows[cuts:]
            pq.write_table(table(name, rows, zone=self.zone), folder / "b.parquet")

    def join(self, asked: pd.DataFrame | str, until_known: bool = False) -> pd.DataFrame:
        """The features of all views."""
        with quiet.silence_feast():
            job = self.store.get_historical_features(
                asked, self.service, full_feature_names=True, filter_by_created_timestamp=until_known
            )
            return job.to_df()

    @property
    def service(self) -> Any:
        return self.store.get_feature_service("all")


def world(folder: Path, offline: dict[str, Any], path: str = "*.parquet", zone: bool = False) -> World:
    """A world with the views of VIEWS. path: of the files in a source's folder."""
    from feast import FeatureService

    with quiet.silence_feast():
        store = FeatureStore(
            config=RepoConfig(
                project="world",
                provider="local",
                registry=str(folder / "registry.db"),
                online_store={"type": "sqlite", "path": str(folder / "online.db")},
                offline_store=offline,
                entity_key_serialization_version=3,
                materialization={"pull_latest_features": True},
            )
        )
        team = Entity(name="team", join_keys=["team"], value_type=ValueType.STRING)
        player = Entity(name="player", join_keys=["player"], value_type=ValueType.INT64)
        for name in SCHEMAS:
            (folder / name).mkdir(parents=True)
            pq.write_table(table(name, [], zone=zone), folder / name / "b.parquet")
        form = FeatureView(
            name="form",
            entities=[team],
            ttl=TTL,
            schema=[Field(name="team", dtype=String), Field(name="a", dtype=Float64), Field(name="b", dtype=Int64)],
            source=FileSource(
                name="form",
                path=str(folder / "form" / path),
                timestamp_field="at",
                created_timestamp_column="created",
            ),
        )
        pair = FeatureView(
            name="pair",
            entities=[team, player],
            ttl=timedelta(0),
            schema=[
                Field(name="team", dtype=String),
                Field(name="player", dtype=Int64),
                Field(name="a", dtype=Float64),
                Field(name="c", dtype=Int64),
            ],
            source=FileSource(
                name="pair",
                path=str(folder / "pair" / path),
                timestamp_field="known",
                field_mapping={"side": "team", "when": "known", "b": "c"},
            ),
        )
        home, away = form.with_name("home").with_join_key_map({"team": "home"}), form.with_name("away")
        store.apply([team, player, form, pair, FeatureService(name="all", features=[away, home, pair])])
        return World(store, folder, zone)
