"""Rows of a source within a range of event times: all, or the latest of each entity."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
from duckdb import DuckDBPyConnection
from feast.feature_view import DUMMY_ENTITY_ID, DUMMY_ENTITY_VAL

from feature_repo.offline.lookup import Columns
from feature_repo.offline.parquet import ROW, Relation, arrow, connect, listing, name
from feature_repo.offline.source import ParquetSource

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
OLDEST = -(2**63)
"""Time of writing of a row that has none, in nanoseconds."""


@dataclass(frozen=True)
class Pull:
    """Columns of a source, by their names in the files. start, end: inclusive range of event times; None for no limit.

    A time without a zone is UTC.
    """

    source: ParquetSource
    keys: Sequence[str]
    features: Sequence[str]
    time: str
    created: str | None
    start: datetime | None
    end: datetime | None

    def all(self, memory: str | None = None) -> Any:
        """Every row, in the order of the files. Raises FeatureStoreError for files or columns that are not there."""
        with connect(memory, self.source.remote) as connection:
            self._load(connection)
            return self._named(arrow(connection, "SELECT * FROM source ORDER BY number"))

    def latest(self, memory: str | None = None) -> Any:
        """For each entity the row of the latest event time; of several the one that was created last.

        Of several still, the last in the files. A row that does not say when it was created gets 1970, older than any
        other: Feast's online stores cannot write none. Raises FeatureStoreError as `all` does.
        """
        keys = ", ".join(f"c{place}" for place in range(len(self.keys)))
        with connect(memory, self.source.remote) as connection:
            self._load(connection)
            latest = arrow(
                connection,
                f"""
                SELECT * FROM source SEMI JOIN (
                    SELECT arg_max(number, (moment, coalesce(created, {OLDEST}), number)) AS number
                    FROM source {f"GROUP BY {keys}" if keys else ""}
                ) USING (number) ORDER BY number
                """,
            )
        table = self._named(latest)
        if self.created is None:
            return table
        created = table[self.created]
        filled = created.fill_null(pa.scalar(0, created.type))
        return table.set_column(table.column_names.index(self.created), self.created, filled)

    @property
    def _columns(self) -> list[str]:
        return list(dict.fromkeys([*self.keys, *self.features, self.time, *([self.created] if self.created else [])]))

    def _load(self, connection: DuckDBPyConnection) -> None:
        files = Relation.of(connection, self.source)
        columns = Columns({}, frozenset(files.columns), self.source.path)
        created = self.created if self.created in files.columns else None
        wanted = [
            f"{'NULL::TIMESTAMPTZ' if each == self.created and not created else name(columns.expect(each))} AS c{place}"
            for place, each in enumerate(self._columns)
        ]
        limits = ["moment IS NOT NULL"] if self.start is None and self.end is None else []
        limits += [f"moment >= {nanoseconds(self.start)}"] if self.start is not None else []
        limits += [f"moment <= {nanoseconds(self.end)}"] if self.end is not None else []
        connection.execute(f"""
            CREATE TEMP TABLE source AS FROM (
                SELECT {ROW} AS number, epoch_ns({name(columns.expect(self.time))}) AS moment,
                    {f"epoch_ns({name(created)})" if created else "NULL::BIGINT"} AS created{listing(wanted)}
                FROM {files.sql}
            ) WHERE {" AND ".join(limits)}
        """)

    def _named(self, table: Any) -> Any:
        table = table.drop_columns(["number", "moment", "created"]).rename_columns(self._columns)
        if self.keys:
            return table
        return table.append_column(DUMMY_ENTITY_ID, pa.array([DUMMY_ENTITY_VAL] * table.num_rows, pa.string()))


def nanoseconds(moment: datetime) -> int:
    """Nanoseconds since 1970. A time without a zone is UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - EPOCH) // timedelta(microseconds=1) * 1000
