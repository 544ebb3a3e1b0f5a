"""Point-in-time join by DuckDB's ASOF.

Of each view only keys and times are sorted and joined, which says for every entity row which row of the source it
takes; then the features of these rows are gathered. Memory grows with what is asked, not with what is stored.
"""

from typing import Any

import numpy as np
import pyarrow as pa
from duckdb import DuckDBPyConnection

from feature_repo.offline.entities import EntityRows
from feature_repo.offline.lookup import Lookup
from feature_repo.offline.parquet import ROW, Relation, arrow, connect, listing, name


def join(rows: EntityRows, lookups: list[Lookup], until_known: bool = False, memory: str | None = None) -> Any:
    """The entity rows, in their order, with the features of each view as an Arrow table.

    Of the rows of an entity that are not older than the time to live and not younger than the moment, the one of the
    latest event time counts; of several, the one that was created last, where none counts as oldest; of several still,
    the last in the files. until_known: leave out rows that were created after the moment.
    Raises FeatureStoreError for a source or a column that is not there.
    """
    table = rows.table
    with connect(memory) as connection:
        for lookup in lookups:
            for feature, column in _features(connection, rows, lookup, until_known):
                table = table.append_column(feature, column)
            connection.execute("DROP TABLE source; DROP TABLE matched")
    return table


def _features(connection: DuckDBPyConnection, rows: EntityRows, lookup: Lookup, until_known: bool) -> Any:
    """Name and values of each feature, one value for each entity row."""
    keys = [f"k{place}" for place in range(len(lookup.keys))]
    connection.register("entities", _narrow(rows, lookup, keys))
    _load(connection, lookup, keys)
    connection.execute(_match(keys, lookup.ttl_ns, until_known))
    found = arrow(
        connection, "SELECT * EXCLUDE (moment, created) FROM source SEMI JOIN matched USING (number)"
    ).combine_chunks()
    places = _places(
        arrow(connection, "SELECT number FROM matched ORDER BY row")["number"].combine_chunks(), found["number"]
    )
    return [(feature, found[f"f{place}"].take(places)) for place, feature in enumerate(lookup.features)]


def _narrow(rows: EntityRows, lookup: Lookup, keys: list[str]) -> Any:
    """Number, moment and keys of each entity row."""
    columns = {"row": pa.array(np.arange(rows.table.num_rows)), "moment": rows.nanoseconds}
    columns |= {key: rows.table[column] for key, column in zip(keys, lookup.keys, strict=True)}
    return pa.table(columns)


def _load(connection: DuckDBPyConnection, lookup: Lookup, keys: list[str]) -> None:
    """Read once what can be asked: the entities' rows that are neither too young nor too old for all moments."""
    files = Relation.of(connection, lookup.source)
    columns = lookup.columns(files.columns)
    created = columns.name(lookup.created) if lookup.created else None
    wanted = [f"{name(columns.expect(key))} AS {short}" for key, short in zip(lookup.keys.values(), keys, strict=True)]
    wanted += [f"{name(columns.expect(feature))} AS f{place}" for place, feature in enumerate(lookup.features.values())]
    asked = f"SEMI JOIN (SELECT DISTINCT {', '.join(keys)} FROM entities) USING ({', '.join(keys)})" if keys else ""
    connection.execute(f"""
        CREATE TEMP TABLE source AS
        SELECT * FROM (
            SELECT {ROW} AS number, epoch_ns({name(columns.expect(lookup.time))}) AS moment,
                {f"epoch_ns({name(created)})" if created else "NULL::BIGINT"} AS created{listing(wanted)}
            FROM {files.sql}
        ) {asked}
        WHERE moment <= (SELECT max(moment) FROM entities)
            {f"AND moment >= (SELECT min(moment) FROM entities) - {lookup.ttl_ns}" if lookup.ttl_ns else ""}
    """)


def _match(keys: list[str], ttl_ns: int, until_known: bool) -> str:
    """SQL for the number of the source's row that each entity row takes.

    A row of the source can be the latest from `since` on: its event time, or when it became known if that was later.
    Left of an entity's rows are those that are then the latest of all that can be: ASOF finds one by its time alone.
    """
    entity = f"PARTITION BY {', '.join(keys)}" if keys else ""
    since = "greatest(moment, created)" if until_known else "moment"
    equal = "".join(f"e.{key} = v.{key} AND " for key in keys)
    taken = f"CASE WHEN e.moment - v.moment <= {ttl_ns} THEN v.number END" if ttl_ns else "v.number"
    return f"""
        CREATE TEMP TABLE matched AS
        WITH ranked AS (
            SELECT number, moment, {since} AS since{listing(keys)},
                row_number() OVER ({entity} ORDER BY moment, created NULLS FIRST, number) AS rank
            FROM source
        ), latest AS (
            FROM ranked
            QUALIFY rank = max(rank) OVER ({entity} ORDER BY since RANGE UNBOUNDED PRECEDING)
        )
        SELECT e.row, {taken} AS number
        FROM entities AS e ASOF LEFT JOIN latest AS v ON {equal} e.moment >= v.since
    """


def _places(matched: Any, numbers: Any) -> Any:
    """Where each matched row stands in a table of rows with these numbers; null where none matched."""
    order = np.argsort(numbers.to_numpy())
    missing = matched.is_null().to_numpy(zero_copy_only=False)
    if not len(order):
        return pa.nulls(len(matched), pa.int64())
    wanted = matched.fill_null(numbers[int(order[0])]).to_numpy()
    return pa.array(order[np.searchsorted(numbers.to_numpy(), wanted, sorter=order)], mask=missing)
