"""What the next version of a table consists of: rows by season, and parts of the version before."""

from collections.abc import Mapping

import pandas as pd
import pyarrow as pa
from pandera.pandas import DataFrameModel

from matchday.lake.parts import PartFiles
from matchday.lake.version import Part, Version
from matchday.tables import columns, merge, validate
from matchday.tables.arrow import from_arrow, schema, to_arrow
from matchday.tables.fingerprint import fingerprint

Rows = Mapping[str | None, pa.Table]
"""Rows by season; by None when the table has no seasons, or no rows."""

Contents = Mapping[str | None, pa.Table | Part]
"""By season: rows to be written, or a part that stays."""


def by_season(table: type[DataFrameModel], frame: pd.DataFrame) -> Rows:
    """A valid frame as one Arrow table for each season, ascending. Raises TableError."""
    rows = validate(table, frame)
    if "season" not in columns(table) or rows.empty:
        return {None: to_arrow(table, rows)}
    return {season: to_arrow(table, rows[rows["season"] == season]) for season in sorted(rows["season"].unique())}


def replace_all(files: PartFiles, version: Version | None, rows: Rows) -> Contents:
    """These rows; parts that hold the same rows stay. Raises as `PartFiles.get`."""
    parts = _parts(version)
    return {season: _same(files, parts.get(season), table) or table for season, table in rows.items()}


def replace_seasons(files: PartFiles, version: Version | None, rows: Rows) -> Contents:
    """These rows in place of their seasons; other seasons stay, seasons ascending. Raises as `PartFiles.get`."""
    both = {**_parts(version), **replace_all(files, version, rows)}
    if len(both) > 1:
        both.pop(None, None)  # the table had no rows, or gets none
    return dict(sorted(both.items(), key=lambda item: item[0] or ""))


def extend(files: PartFiles, table: type[DataFrameModel], version: Version | None, rows: Rows) -> Contents:
    """These rows merged into their seasons; other seasons stay. Raises as `PartFiles.get`, and TableError."""
    parts = _parts(version)
    extended = {}
    for season, added in rows.items():
        former = files.get(parts[season]) if season in parts else schema(table).empty_table()
        extended[season] = to_arrow(table, merge(table, from_arrow(table, former), from_arrow(table, added)))
    return replace_seasons(files, version, extended)


def _same(files: PartFiles, part: Part | None, rows: pa.Table) -> Part | None:
    """The part, when it is intact and holds these rows."""
    if part is None or part.rows != rows.num_rows or not files.holds(part):
        return None
    return part if files.with_fingerprint(part).fingerprint == fingerprint(rows) else None


def _parts(version: Version | None) -> dict[str | None, pa.Table | Part]:
    return {part.season: part for part in version.parts} if version else {}
