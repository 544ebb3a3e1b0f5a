"""Tables as Arrow: the one place where pandas dtypes and stored types meet."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import pandas as pd
import pyarrow as pa
from pandera.pandas import DataFrameModel

from matchday.tables.table import columns


@cache
def schema(table: type[DataFrameModel]) -> pa.Schema:
    """The Arrow schema of a table: strings, integers, doubles, booleans and UTC timestamps; no metadata."""
    return pa.schema([(column, _stored(dtype)) for column, dtype in dtypes(table).items()])


@cache
def dtypes(table: type[DataFrameModel]) -> Mapping[str, Any]:
    """The pandas dtype of each column; object for strings."""
    found = {column: field.dtype for column, field in table.to_schema().columns.items()}
    return {column: object if str(dtype) == "str" else getattr(dtype, "type", dtype) for column, dtype in found.items()}


def to_arrow(table: type[DataFrameModel], frame: pd.DataFrame) -> pa.Table:
    """A valid frame as Arrow, without pandas metadata. NaN becomes null."""
    return pa.Table.from_pandas(
        frame[columns(table)], schema=schema(table), preserve_index=False
    ).replace_schema_metadata(None)


def from_arrow(table: type[DataFrameModel], stored: pa.Table) -> pd.DataFrame:
    """The frame that `to_arrow` was given, dtypes and all. Raises KeyError when a column is missing."""
    return pd.DataFrame({column: _series(stored.column(column), dtype) for column, dtype in dtypes(table).items()})


def _stored(dtype: Any) -> pa.DataType:
    if dtype is object:
        return pa.string()
    return pa.Schema.from_pandas(pd.DataFrame({"x": pd.Series([], dtype=dtype)})).field("x").type


def _series(stored: pa.ChunkedArray, dtype: Any) -> pd.Series:
    timed = isinstance(dtype, pd.DatetimeTZDtype)
    extension = isinstance(dtype, pd.api.extensions.ExtensionDtype) and not timed
    return pd.Series(stored.to_pandas(types_mapper=(lambda _: dtype) if extension else None))
