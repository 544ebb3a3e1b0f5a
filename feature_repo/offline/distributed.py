"""The point-in-time join as a plan of Daft, by its `join_asof`: for all cores of a machine, or for a Ray cluster.

The rules are those of `join`. Daft joins times and keys, and takes any one of several rows of the same time: so each
source is first reduced to rows of which one alone can be the answer at a time.
"""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import daft
import pyarrow as pa
from daft import DataFrame, DataType, Expression, Schema, Window, col, lit
from daft.functions import monotonically_increasing_id, row_number, when
from daft.io import IOConfig, S3Config

from feature_repo.offline.lookup import Lookup
from feature_repo.offline.source import ParquetSource

MOMENT, AT, CREATED, SINCE, RANK, BEST = "__moment", "__at", "__created", "__since", "__rank", "__best"
FILE, PLACE, ONE = "__file", "__place", "__one"
INSTANT = DataType.timestamp("ns", "UTC")


def read_parquet(source: ParquetSource, files: Sequence[str], schema: Any) -> DataFrame:
    """Rows of some files of a source; a column of `schema`, an Arrow schema, that a file lacks is null there."""
    kinds = {field.name: DataType.from_arrow_type(field.type) for field in schema}
    return daft.read_parquet(list(files), schema=kinds, file_path_column=FILE, io_config=io_config(source))


def io_config(source: ParquetSource) -> IOConfig | None:
    """How Daft reaches a source in a bucket; it reads AWS_ENDPOINT_URL nowhere itself."""
    if not source.remote:
        return None
    given = {**os.environ, **source.credentials}
    return IOConfig(
        s3=S3Config(
            endpoint_url=source.endpoint or given.get("AWS_ENDPOINT_URL"),
            key_id=given.get("AWS_ACCESS_KEY_ID"),
            access_key=given.get("AWS_SECRET_ACCESS_KEY"),
            session_token=given.get("AWS_SESSION_TOKEN"),
            region_name=given.get("AWS_REGION") or given.get("AWS_DEFAULT_REGION"),
        )
    )


def prepare(rows: DataFrame, lookup: Lookup, columns: Mapping[str, str]) -> DataFrame:
    """Keys, times and features of a source's rows under names of their own; rows that can match nothing are left out.

    columns: column of the view -> name in the files, without `created` where no file has it.
    """
    created = columns.get(lookup.created or "")
    keys = [col(columns[key]).alias(name) for key, name in zip(lookup.keys.values(), key_names(lookup), strict=True)]
    numbered = rows.with_column(PLACE, monotonically_increasing_id())
    chosen = numbered.select(
        *keys,
        nanoseconds(columns[lookup.time]).alias(AT),
        (nanoseconds(created) if created else lit(None).cast(DataType.int64())).alias(CREATED),
        FILE,
        PLACE,
        *[col(columns[feature]).alias(name) for name, feature in lookup.features.items()],
    )
    for name in (AT, *key_names(lookup)):
        chosen = chosen.where(col(name).not_null())
    return chosen


def key_names(lookup: Lookup) -> list[str]:
    """Names of the keys in both tables."""
    return [f"__key{place}" for place in range(len(lookup.keys))]


def nanoseconds(name: str) -> Expression:
    """A column of times in nanoseconds since 1970."""
    return col(name).cast(INSTANT).cast(DataType.int64())


def join_bucket(rows: DataFrame, prepared: DataFrame, lookup: Lookup, until_known: bool) -> DataFrame:
    """Rows that have MOMENT and the keys, with the features of the row that each takes."""
    keys: list[Any] = list(key_names(lookup)) or [ONE]
    if not lookup.keys:
        rows, prepared = rows.with_column(ONE, lit(0)), prepared.with_column(ONE, lit(0))
    wanted = [name for name in rows.column_names if name not in keys and name != MOMENT]
    right = (_latest_known if until_known else _latest)(prepared, keys)
    joined = rows.join_asof(
        right.select(*keys, AT, SINCE, *lookup.features), left_on=MOMENT, right_on=SINCE, left_by=keys, right_by=keys
    )
    young = col(MOMENT) - col(AT) <= lit(lookup.ttl_ns)
    features = [when(young, col(name)).alias(name) if lookup.ttl_ns else col(name) for name in lookup.features]
    return joined.select(*wanted, *features)


def _latest(rows: DataFrame, keys: list[str]) -> DataFrame:
    """Of the rows of an entity and a time the one that was created last; of several, the last in the files."""
    order = Window().partition_by(*keys).order_by([AT, CREATED, FILE, PLACE], nulls_first=True)
    following = rows.with_column(RANK, col(AT).lead(1).over(order))
    last = following.where(col(RANK).is_null() | (col(RANK) != col(AT)))
    return last.with_column(SINCE, col(AT))


def _latest_known(rows: DataFrame, keys: list[str]) -> DataFrame:
    """The rows that are the latest of all known ones when they become known.

    Of rows that become known at once the latest stands first: Daft 0.7's RANGE frames leave out rows of equal order.
    """
    order = Window().partition_by(*keys).order_by([AT, CREATED, FILE, PLACE], nulls_first=True)
    known = Window().partition_by(*keys).order_by([SINCE, RANK], desc=[False, True])
    known = known.rows_between(Window.unbounded_preceding, Window.current_row)
    since = when(col(CREATED).is_null() | (col(CREATED) <= col(AT)), col(AT)).otherwise(col(CREATED))
    ranked = rows.with_column(RANK, row_number().over(order)).with_column(SINCE, since)
    return ranked.with_column(BEST, col(RANK).max().over(known)).where(col(RANK) == col(BEST))


def align(rows: DataFrame, lookup: Lookup, kinds: Schema, time: str) -> DataFrame:
    """Entity rows with MOMENT and the keys, in the types that the keys have in the source."""
    keys = {
        name: col(column).cast(kinds[name].dtype) for name, column in zip(key_names(lookup), lookup.keys, strict=True)
    }
    return rows.with_columns({MOMENT: nanoseconds(time), **keys})


def empty(schema: Schema) -> DataFrame:
    """No rows of a schema."""
    return daft.from_arrow(pa.schema([(field.name, field.dtype.to_arrow_dtype()) for field in schema]).empty_table())
