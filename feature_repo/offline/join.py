"""Point-in-time join by DuckDB's ASOF.

Of each view only keys and times are sorted and joined, which says for every entity row which row of the source it
takes; then the features of these rows are gathered. One view at a time: several ASOF joins in one query take many times
the memory.
"""

from typing import Any

import numpy as np
import pyarrow as pa
from duckdb import DuckDBPyConnection

from feature_repo.offline.entities import EntityRows, instants
from feature_repo.offline.lookup import Lookup
from feature_repo.offline.parquet import ROW, Relation, arrow, connect, listing, name
from feature_repo.offline.pull import OLDEST

HELD_BYTES = 2**30
"""Size up to which a source is read into memory; a larger one is left to DuckDB, which may put it into files."""


def join(rows: EntityRows, lookups: list[Lookup], until_known: bool = False, memory: str | None = None) -> Any:
    """The entity rows, in their order, with the features of each view as an Arrow table.

    Of the rows of an entity that are not older than the time to live and not younger than the moment, the one of the
    latest event time counts; of several, the one that was created last, where none counts as oldest; of several still,
    the last in the files. until_known: leave out rows that were created after the moment.
    Raises FeatureStoreError for a source or a column that is not there.
    """
    table = rows.table
    with connect(memory, own=any(lookup.source.remote for lookup in lookups)) as connection:
        for lookup in lookups:
            for feature, column in _features(connection, rows, lookup, until_known):
                table = table.append_column(feature, column)
    return table


def _features(connection: DuckDBPyConnection, rows: EntityRows, lookup: Lookup, until_known: bool) -> Any:
    """Name and values of each feature, one value for each entity row."""
    keys = [f"k{place}" for place in range(len(lookup.keys))]
    connection.register("entities", _narrow(rows, lookup, keys))
    held = _hold(connection, lookup, keys)
    if held is None:
        _load(connection, lookup, keys)
    connection.execute(_match(keys, lookup, until_known))
    places = arrow(connection, "SELECT number FROM matched ORDER BY row")["number"].combine_chunks()
    if held is None:
        held = arrow(connection, "SELECT * EXCLUDE (moment, created) FROM source SEMI JOIN matched USING (number)")
        held = held.combine_chunks()
        places = _places(places, held["number"])
        connection.execute("DROP TABLE source")
    else:
        connection.unregister("source")
    connection.execute("DROP TABLE matched")
    return [(feature, held[f"f{place}"].take(places)) for place, feature in enumerate(lookup.features)]


def _narrow(rows: EntityRows, lookup: Lookup, keys: list[str]) -> Any:
    """Number, moment and keys of each entity row."""
    columns = {"row": pa.array(np.arange(rows.table.num_rows)), "moment": rows.nanoseconds}
    columns |= {key: rows.table[column] for key, column in zip(keys, lookup.keys, strict=True)}
    return pa.table(columns)


def _hold(connection: DuckDBPyConnection, lookup: Lookup, keys: list[str]) -> Any:
    """The source as an Arrow table, which DuckDB sees as `source`; None where it would be larger than HELD_BYTES."""
    files = lookup.source.files()
    schema, count = lookup.source.footers(files)
    names = lookup.names(schema.names)
    if count * len(names) * 8 > HELD_BYTES:
        return None
    table = lookup.source.read(files, schema, list(dict.fromkeys(names.values())))
    created = names.get(lookup.created or "")
    narrow = {
        "number": pa.array(np.arange(table.num_rows)),
        "moment": instants(table[names[lookup.time]]),
        "created": instants(table[created]) if created else pa.nulls(table.num_rows, pa.int64()),
        **{short: table[names[key]] for short, key in zip(keys, lookup.keys.values(), strict=True)},
    }
    connection.register("source", pa.table(narrow))
    return pa.table({f"f{place}": table[names[feature]] for place, feature in enumerate(lookup.features.values())})


def _load(connection: DuckDBPyConnection, lookup: Lookup, keys: list[str]) -> None:
    """The source as a table of DuckDB, which may lie in temporary files: rows that can be asked for and no others."""
    files = Relation.of(connection, lookup.source)
    names = lookup.names(files.columns)
    created = names.get(lookup.created or "")
    wanted = [f"{name(names[key])} AS {short}" for key, short in zip(lookup.keys.values(), keys, strict=True)]
    wanted += [f"{name(names[feature])} AS f{place}" for place, feature in enumerate(lookup.features.values())]
    asked = f"SEMI JOIN (SELECT DISTINCT {', '.join(keys)} FROM entities) USING ({', '.join(keys)})" if keys else ""
    connection.execute(f"""
        CREATE TEMP TABLE source AS
        SELECT * FROM (
            SELECT {ROW} AS number, epoch_ns({name(names[lookup.time])}) AS moment,
                {f"epoch_ns({name(created)})" if created else "NULL::BIGINT"} AS created{listing(wanted)}
            FROM {files.sql}
        ) {asked}
        WHERE moment <= (SELECT max(moment) FROM entities)
            {f"AND moment >= (SELECT min(moment) FROM entities) - {lookup.ttl_ns}" if lookup.ttl_ns else ""}
    """)


def _match(keys: list[str], lookup: Lookup, until_known: bool) -> str:
    """SQL for the number of the source's row that each entity row takes."""
    equal = "".join(f"e.{key} = v.{key} AND " for key in keys)
    ttl = lookup.ttl_ns
    taken = f"CASE WHEN e.moment - v.moment <= {ttl} THEN v.number END" if ttl else "v.number"
    return f"""
        CREATE TEMP TABLE matched AS
        WITH {_latest_known(keys) if until_known else _latest(keys, lookup)}
        SELECT e.row, {taken} AS number
        FROM entities AS e ASOF LEFT JOIN latest AS v ON {equal} e.moment >= v.since
    """


def _latest(keys: list[str], lookup: Lookup) -> str:
    """Of the rows of an entity and a time the one that was created last; of several, the last in the files."""
    order = f"(coalesce(created, {OLDEST}), number)"
    chosen = f"arg_max(number, {order})" if lookup.created else "max(number)"
    return f"""latest AS (
        SELECT {chosen} AS number, moment, moment AS since{listing(keys)} FROM source
        GROUP BY moment{listing(keys)}
    )"""


def _latest_known(keys: list[str]) -> str:
    """The rows that are the latest of all known ones when they become known, by the time when they do.

    ASOF finds one of them by that time alone, although the latest known row need not be the one known last.
    """
    entity = f"PARTITION BY {', '.join(keys)}" if keys else ""
    return f"""ranked AS (
        SELECT number, moment, greatest(moment, created) AS since{listing(keys)},
            row_number() OVER ({entity} ORDER BY moment, created NULLS FIRST, number) AS rank
        FROM source
        WHERE moment IS NOT NULL
    ), latest AS (
        FROM ranked QUALIFY rank = max(rank) OVER ({entity} ORDER BY since RANGE UNBOUNDED PRECEDING)
    )"""


def _places(matched: Any, numbers: Any) -> Any:
    """Where each matched row stands in a table of rows with these numbers; null where none matched."""
    order = np.argsort(numbers.to_numpy())
    missing = matched.is_null().to_numpy(zero_copy_only=False)
    if not len(order):
        return pa.nulls(len(matched), pa.int64())
    wanted = matched.fill_null(numbers[int(order[0])]).to_numpy()
    return pa.array(order[np.searchsorted(numbers.to_numpy(), wanted, sorter=order)], mask=missing)
