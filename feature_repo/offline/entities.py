"""Entity rows of a request: the keys and the moments that features are wanted for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
from feast.errors import EntityTimestampInferenceException, FeastEntityDFMissingColumnsError
from feast.infra.offline_stores.offline_utils import DEFAULT_ENTITY_DF_EVENT_TIMESTAMP_COL

from feature_repo.error import FeatureStoreError
from feature_repo.offline.lookup import Lookup
from feature_repo.offline.parquet import Relation, arrow, connect, name, reach
from feature_repo.offline.pull import nanoseconds
from feature_repo.offline.source import ParquetSource

EVENT_TIME: str = DEFAULT_ENTITY_DF_EVENT_TIMESTAMP_COL
INSTANT = pa.timestamp("ns", "UTC")


@dataclass(frozen=True)
class EntityRows:
    """Rows of a request, in the caller's order. time: the column of their moments, UTC."""

    table: Any
    time: str

    @property
    def nanoseconds(self) -> Any:
        """Moments as an Arrow array of nanoseconds since 1970."""
        return instants(self.table[self.time])

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""
        return list(self.table.column_names)

    def range(self) -> tuple[pd.Timestamp, pd.Timestamp]:
        """The first moment and the last; NaT of both where there is none."""
        times = pd.Series(self.table[self.time].cast(INSTANT).to_pandas())
        return times.min(), times.max()


def expect_columns(columns: Sequence[str], time: str, lookups: Sequence[Lookup]) -> None:
    """Raises FeastEntityDFMissingColumnsError for a key without a column, FeatureStoreError for a feature with one."""
    keys = {key for lookup in lookups for key in lookup.keys}
    if missing := keys.difference(columns):
        raise FeastEntityDFMissingColumnsError({*keys, time}, missing)  # type: ignore[no-untyped-call]
    if taken := {feature for lookup in lookups for feature in lookup.features}.intersection(columns):
        raise FeatureStoreError(
            f"features and columns of the entity rows have the same names ({', '.join(sorted(taken))}): rename the"
            " columns or ask for full feature names"
        )


def of_frame(frame: pd.DataFrame) -> EntityRows:
    """The rows of a pandas frame; its index is left out."""
    return of_table(pa.Table.from_pandas(frame, preserve_index=False))


def of_table(table: Any) -> EntityRows:
    """The rows of an Arrow table. Moments without a zone are UTC; text is parsed.

    Raises EntityTimestampInferenceException when no column is named `event_timestamp` and not just one is of times.
    """
    time = time_column({field.name: field.type for field in table.schema})
    column = table[time]
    if not pa.types.is_timestamp(column.type) and not pa.types.is_date(column.type):
        column = pa.chunked_array([pa.array(pd.to_datetime(column.to_pandas(), utc=True))])
    unit = column.type.unit if pa.types.is_timestamp(column.type) else "us"
    place = table.column_names.index(time)
    column = column.cast(pa.timestamp("s")) if pa.types.is_date(column.type) else column
    return EntityRows(table.set_column(place, time, column.cast(pa.timestamp(unit, "UTC"))), time)


def time_column(types: dict[str, Any]) -> str:
    """The column of the moments, as Feast infers it. Raises EntityTimestampInferenceException."""
    times = [name for name, kind in types.items() if pa.types.is_timestamp(kind)]
    if EVENT_TIME in types:
        return EVENT_TIME
    if len(times) != 1:
        raise EntityTimestampInferenceException(EVENT_TIME)
    return times[0]


def of_query(sql: str) -> EntityRows:
    """The rows that DuckDB returns for a query; it may read Parquet files itself. Raises FeatureStoreError."""
    with connect() as connection:
        if "s3://" in sql:
            reach(connection, ParquetSource("s3://"))
        try:
            return of_table(arrow(connection, sql))
        except duckdb.Error as why:
            raise FeatureStoreError(f"the query of entity rows fails: {why}") from why


def instants(column: Any) -> Any:
    """Times of an Arrow column in nanoseconds since 1970; without a zone they are UTC."""
    times = column.cast(pa.timestamp("s")) if pa.types.is_date(column.type) else column
    return times.cast(INSTANT).cast(pa.int64())


def of_range(lookups: list[Lookup], start: datetime, end: datetime) -> EntityRows:
    """Every entity that has a row in this range of event times in any of the views, as of the end of the range."""
    known = [table for lookup in lookups if lookup.keys for table in [_keys(lookup, start, end)]]
    if known:
        every = pa.concat_tables(known, promote_options="permissive")
        every = every.group_by(every.column_names).aggregate([])
        every = every.sort_by([(column, "ascending") for column in every.column_names])
    else:
        every = pa.table({"": [None]})
    moments = pa.array([nanoseconds(end)] * every.num_rows, pa.int64()).cast(INSTANT)
    table = every.append_column(EVENT_TIME, moments.cast(pa.timestamp("us", "UTC")))
    return EntityRows(table if known else table.drop_columns([""]), EVENT_TIME)


def _keys(lookup: Lookup, start: datetime, end: datetime) -> Any:
    """The entities of a view that have a row in the range, named as in the entity rows."""
    with connect(own=lookup.source.remote) as connection:
        files = Relation.of(connection, lookup.source)
        columns = lookup.columns(files.columns)
        wanted = {asked: name(columns.expect(key)) for asked, key in lookup.keys.items()}
        moment = f"epoch_ns({name(columns.expect(lookup.time))})"
        return arrow(
            connection,
            f"""
            SELECT DISTINCT {", ".join(f"{key} AS {name(asked)}" for asked, key in wanted.items())} FROM {files.sql}
            WHERE {moment} BETWEEN {nanoseconds(start)} AND {nanoseconds(end)}
                {"".join(f" AND {key} IS NOT NULL" for key in wanted.values())}
            """,
        )
