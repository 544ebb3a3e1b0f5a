"""Feast's online stores, guarded: writes go through our writers, and rows older than their view's TTL are not read.

Feast's own SQLite store overwrites newer rows by older ones, its Redis store drops corrections, and neither looks at
the TTL. Feast finds these classes by the `type` of `online_store` in its configuration.
"""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from feast import FeatureView, RepoConfig, utils
from feast.infra.key_encoding_utils import serialize_entity_key
from feast.infra.online_stores.helpers import compute_versioned_name
from feast.infra.online_stores.online_store import OnlineStore
from feast.infra.online_stores.redis import RedisOnlineStore, RedisOnlineStoreConfig
from feast.infra.online_stores.sqlite import SqliteOnlineStore, SqliteOnlineStoreConfig
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Value

from feature_repo.writers.redis import RedisWriter
from feature_repo.writers.row import EncodedRow
from feature_repo.writers.sqlite import SqliteWriter, file_identity
from matchday.features.expiry import is_expired

WrittenRow = tuple[EntityKey, dict[str, Value], datetime, datetime | None]
"""Entity, values, event time and created timestamp, as Feast gives them to a store."""

ReadRow = tuple[datetime | None, dict[str, Value] | None]
"""Event time and values, as Feast takes them from a store; nothing of an entity without a row."""

Progress = Callable[[int], Any] | None

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND, MILLISECOND = timedelta(microseconds=1), timedelta(milliseconds=1)


class GuardedSqliteOnlineStoreConfig(SqliteOnlineStoreConfig):
    """staged: the file is the draft of a refill. as_of: Unix seconds that ages are judged at; None means now."""

    type: Literal["feature_repo.online_stores.GuardedSqliteOnlineStore"] = (
        "feature_repo.online_stores.GuardedSqliteOnlineStore"  # type: ignore[assignment]
    )
    staged: bool = False
    as_of: float | None = None


class GuardedRedisOnlineStoreConfig(RedisOnlineStoreConfig):
    """staged: a refill moves the rows to their place. as_of: Unix seconds that ages are judged at; None means now."""

    type: Literal["feature_repo.online_stores.GuardedRedisOnlineStore"] = (
        "feature_repo.online_stores.GuardedRedisOnlineStore"  # type: ignore[assignment]
    )
    staged: bool = False
    as_of: float | None = None


class GuardedSqliteOnlineStore(SqliteOnlineStore):
    """Feast's SQLite store with guarded writes and a TTL. Notices when a refill has replaced the file."""

    def __init__(self) -> None:
        self._identity: tuple[int, int] | None = None

    def online_write_batch(
        self, config: RepoConfig, table: FeatureView, data: list[WrittenRow], progress: Progress
    ) -> None:
        """Write the rows. Raises FeatureStoreError."""
        path = Path(self._get_db_path(config))
        with closing(SqliteWriter(path, config.project, config.online_store.staged)) as writer:
            writer.write_encoded(encode_rows(config, table, data))
        if progress:
            progress(len(data))

    def online_read(
        self,
        config: RepoConfig,
        table: FeatureView,
        entity_keys: list[EntityKey],
        requested_features: list[str] | None = None,
    ) -> list[ReadRow]:
        """The rows of the entities that are not out of date."""
        rows = super().online_read(config, table, entity_keys, requested_features)
        return drop_expired(rows, table, config.online_store.as_of)

    def _get_conn(self, config: RepoConfig) -> sqlite3.Connection:
        identity = file_identity(Path(self._get_db_path(config)))
        if self._conn is not None and identity != self._identity:
            self._conn.close()
            self._conn = None
        self._identity = identity
        connection: sqlite3.Connection = super()._get_conn(config)
        return connection


class GuardedRedisOnlineStore(RedisOnlineStore):
    """Feast's Redis store with guarded writes and a TTL."""

    def online_write_batch(
        self, config: RepoConfig, table: FeatureView, data: list[WrittenRow], progress: Progress
    ) -> None:
        """Write the rows. Raises FeatureStoreError."""
        settings = config.online_store
        client = self._get_client(settings)
        place = client.connection_pool.connection_kwargs
        RedisWriter(
            client,
            f"redis://{place['host']}:{place['port']}/{place.get('db', 0)}",
            config.project,
            life_seconds=settings.key_ttl_seconds or 0,
            staged=settings.staged,
        ).write_encoded(encode_rows(config, table, data))
        if progress:
            progress(len(data))

    async def online_write_batch_async(
        self, config: RepoConfig, table: FeatureView, data: list[WrittenRow], progress: Progress
    ) -> None:
        """Write the rows in a thread. Raises FeatureStoreError."""
        await asyncio.to_thread(self.online_write_batch, config, table, data, progress)

    def online_read(
        self,
        config: RepoConfig,
        table: FeatureView,
        entity_keys: list[EntityKey],
        requested_features: list[str] | None = None,
    ) -> list[ReadRow]:
        """The rows of the entities that are not out of date."""
        rows = super().online_read(config, table, entity_keys, list(requested_features or ()))
        return drop_expired(rows, table, config.online_store.as_of)

    async def online_read_async(
        self,
        config: RepoConfig,
        table: FeatureView,
        entity_keys: list[EntityKey],
        requested_features: list[str] | None = None,
    ) -> list[ReadRow]:
        """The rows of the entities that are not out of date."""
        rows = await super().online_read_async(config, table, entity_keys, list(requested_features or ()))
        return drop_expired(rows, table, config.online_store.as_of)

    # Feast's Redis store reads all views in one pipeline, past `online_read`.
    _read_features_per_fv = OnlineStore._read_features_per_fv
    _read_features_per_fv_async = OnlineStore._read_features_per_fv_async


def encode_rows(config: RepoConfig, table: FeatureView, data: Iterable[WrittenRow]) -> Iterator[EncodedRow]:
    """Rows for our writers; their revision is the created timestamp in milliseconds, 0 without one."""
    view = compute_versioned_name(table, config.registry.enable_online_feature_view_versioning)
    for entity, values, event_time, created in data:
        yield EncodedRow(
            view,
            entity.join_keys[0] if len(entity.join_keys) == 1 else None,
            serialize_entity_key(entity, config.entity_key_serialization_version),
            (utils.make_tzaware(event_time) - EPOCH) // MICROSECOND,
            max((utils.make_tzaware(created) - EPOCH) // MILLISECOND, 0) if created else 0,
            {name: value.SerializeToString() for name, value in values.items()},
        )


def drop_expired(rows: Iterable[ReadRow], view: FeatureView, as_of: float | None) -> list[ReadRow]:
    """The rows without those that are out of date. as_of: Unix seconds; None means now."""
    if not view.ttl:
        return list(rows)
    moment, ttl = time.time() if as_of is None else as_of, view.ttl.total_seconds()
    return [(None, None) if at and is_expired(at.timestamp(), moment, ttl) else (at, values) for at, values in rows]
