"""Offline store that joins by ASOF: the class that `offline_store.type` of `feature_store.yaml` names."""

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import pyarrow.parquet as pq
from feast import FeatureView, OnDemandFeatureView
from feast.data_source import DataSource
from feast.feature_logging import LoggingConfig, LoggingSource
from feast.infra.offline_stores.offline_store import OfflineStore, RetrievalJob, RetrievalMetadata
from feast.infra.registry.base_registry import BaseRegistry
from feast.repo_config import FeastConfigBaseModel, RepoConfig
from feast.utils import compute_non_entity_date_range
from pydantic import StrictStr

from feature_repo.offline import entities, join, writing
from feature_repo.offline.entities import EntityRows
from feature_repo.offline.job import AsofJob, Read, Write
from feature_repo.offline.lookup import Lookup, lookups
from feature_repo.offline.pull import Pull
from feature_repo.offline.source import ParquetSource


class AsofOfflineStoreConfig(FeastConfigBaseModel):
    """The `offline_store` section of `feature_store.yaml`."""

    type: StrictStr = "feature_repo.offline.AsofOfflineStore"
    engine: Literal["duckdb", "daft"] = "duckdb"
    """What joins: DuckDB in this process, or Daft, whose runner may be a Ray cluster."""
    memory: str | None = None
    """Memory that DuckDB takes before it goes on in temporary files, as `2GB`; by default what DuckDB takes."""
    bucket_rows: int = 500_000
    """Rows of a table that Daft joins at once on one machine."""


class AsofOfflineStore(OfflineStore):
    """Point-in-time joins over Parquet files. `feature_repo.offline.join` has the rules."""

    supports_filter_by_created_timestamp = True

    @staticmethod
    def get_historical_features(
        config: RepoConfig,
        feature_views: list[FeatureView],
        feature_refs: list[str],
        entity_df: pd.DataFrame | str | None,
        registry: BaseRegistry,
        project: str,
        full_feature_names: bool = False,
        filter_by_created_timestamp: bool = False,
        start_date: datetime | None = None,
        end_date: datetime | None = None,
    ) -> RetrievalJob:
        """Entity rows with features as known at their moments; the rows keep their order and their number.

        entity_df: a frame, or SQL for DuckDB (for Daft where that joins). None: every entity with a row from start_date
        (one time to live before end_date by default) to end_date, as of end_date.
        """
        wanted = lookups(feature_views, feature_refs, registry, project, full_feature_names, config.repo_path)
        if entity_df is None:
            start, end = compute_non_entity_date_range(feature_views, start_date=start_date, end_date=end_date)
            rows = entities.of_range(wanted, start, end)
            limits: tuple[datetime, datetime] | None = (start, end)
        else:
            rows = _given(entity_df, config.offline_store.engine)
            limits = None
        entities.expect_columns(rows.columns, rows.time, wanted)
        read, write = _plan(rows, wanted, filter_by_created_timestamp, config.offline_store)
        return AsofJob(
            read,
            config.repo_path,
            describe=partial(_describe, rows, feature_refs, limits),
            on_demand=OnDemandFeatureView.get_requested_odfvs(feature_refs, project, registry),
            full_names=full_feature_names,
            write=write,
        )

    @staticmethod
    def pull_latest_from_table_or_query(
        config: RepoConfig,
        data_source: DataSource,
        join_key_columns: list[str],
        feature_name_columns: list[str],
        timestamp_field: str,
        created_timestamp_column: str | None,
        start_date: datetime | None = None,
        end_date: datetime | None = None,
    ) -> RetrievalJob:
        """The latest row of each entity within the range, both ends included."""
        pull = Pull(
            ParquetSource.of(data_source, config.repo_path),
            join_key_columns,
            feature_name_columns,
            timestamp_field,
            created_timestamp_column or None,
            start_date,
            end_date,
        )
        return AsofJob(partial(pull.latest, config.offline_store.memory), config.repo_path)

    @staticmethod
    def pull_all_from_table_or_query(
        config: RepoConfig,
        data_source: DataSource,
        join_key_columns: list[str],
        feature_name_columns: list[str],
        timestamp_field: str,
        created_timestamp_column: str | None = None,
        start_date: datetime | None = None,
        end_date: datetime | None = None,
    ) -> RetrievalJob:
        """Every row within the range, both ends included."""
        pull = Pull(
            ParquetSource.of(data_source, config.repo_path),
            join_key_columns,
            feature_name_columns,
            timestamp_field,
            created_timestamp_column or None,
            start_date,
            end_date,
        )
        return AsofJob(partial(pull.all, config.offline_store.memory), config.repo_path)

    @staticmethod
    def offline_write_batch(
        config: RepoConfig,
        feature_view: FeatureView,
        table: Any,
        progress: Callable[[int], Any] | None,
    ) -> None:
        """Append rows to the view's files. Raises ValueError unless the columns are those of the files."""
        source = feature_view.batch_source
        target = ParquetSource.of(source, config.repo_path)
        names = {mapped: name for name, mapped in (source.field_mapping or {}).items()} if source else {}
        known = target.schema(target.files())
        table = table.rename_columns(
            [names[each] if each in names and each not in known.names else each for each in table.column_names]
        )
        late = {source.created_timestamp_column} if source else set()
        if set(table.column_names) - late != set(known.names) - late or set(known.names) - set(table.column_names):
            raise ValueError(
                f"feature view {feature_view.name} is written with the columns {sorted(known.names)}, not"
                f" {sorted(table.column_names)}"
            )
        writing.append(table, target)
        if progress:
            progress(table.num_rows)

    @staticmethod
    def write_logged_features(
        config: RepoConfig,
        data: Any,
        source: LoggingSource,
        logging_config: LoggingConfig,
        registry: BaseRegistry,
    ) -> None:
        """Append logged features, an Arrow table or a path of Parquet files, to the destination's folder."""
        destination: Any = logging_config.destination
        target = ParquetSource.of(destination.to_data_source(), config.repo_path)
        table = pq.read_table(data) if isinstance(data, Path) else data
        writing.log(table, target, destination.partition_by)

    def get_table_column_names_and_types_from_data_source(
        self, config: RepoConfig, data_source: DataSource
    ) -> Iterable[tuple[str, str]]:
        """Columns of all files of the source together, with their Arrow types."""
        source = ParquetSource.of(data_source, config.repo_path)
        schema = source.schema(source.files())
        return [(field.name, str(field.type)) for field in schema]


def _given(entity_df: pd.DataFrame | str, engine: str) -> Any:
    """Entity rows of a frame or a query: EntityRows, or QueriedRows where Daft runs the query."""
    if not isinstance(entity_df, str):
        return entities.of_frame(entity_df)
    if engine == "duckdb":
        return entities.of_query(entity_df)
    from feature_repo.offline.buckets import QueriedRows

    return QueriedRows.of(entity_df)


def _plan(
    rows: Any, wanted: list[Lookup], until_known: bool, options: AsofOfflineStoreConfig
) -> tuple[Read, Write | None]:
    """What reads the joined rows, and what writes them where that needs not hold them all."""
    if options.engine == "duckdb":
        return partial(join.join, rows, wanted, until_known, options.memory), None
    from feature_repo.offline.buckets import DaftJoin, of_rows

    frame = of_rows(rows) if isinstance(rows, EntityRows) else rows.frame
    plan = DaftJoin(frame, rows.time, wanted, until_known, options.bucket_rows)
    return plan.read, plan.write


def _describe(rows: Any, references: list[str], limits: tuple[datetime, datetime] | None) -> RetrievalMetadata:
    first, last = limits or rows.range()
    keys = [column for column in rows.columns if column != rows.time]
    return RetrievalMetadata(features=references, keys=keys, min_event_timestamp=first, max_event_timestamp=last)
