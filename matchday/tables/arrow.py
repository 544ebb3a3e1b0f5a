"""Tables as Arrow: the one place where pandas dtypes and stored types meet."""

import pandas as pd
import pandera.pandas as pa
import pyarrow

from matchday.tables.table import columns


def schema(table: type[pa.DataFrameModel]) -> pyarrow.Schema:
    """The Arrow schema of a table: strings, integers, doubles, booleans and UTC timestamps; no metadata."""
    return pyarrow.schema([(column, _stored(dtype)) for column, dtype in dtypes(table).items()])


def dtypes(table: type[pa.DataFrameModel]) -> dict[str, object]:
    """The pandas dtype of each column; object for strings."""
    found = {column: field.dtype for column, field in table.to_schema().columns.items()}
    return {column: object if str(dtype) == "str" else getattr(dtype, "type", dtype) for column, dtype in found.items()}


def to_arrow(table: type[pa.DataFrameModel], frame: pd.DataFrame) -> pyarrow.Table:
    """A valid frame as Arrow, without pandas metadata. NaN becomes null."""
    return pyarrow.Table.from_pandas(frame[columns(table)], schema=schema(table), preserve_index=False).replace_schema_metadata(None)


def from_arrow(table: type[pa.DataFrameModel], stored: pyarrow.Table) -> pd.DataFrame:
    """The frame that `to_arrow` was given, dtypes and all. Raises KeyError when a column is missing."""
    return pd.DataFrame({column: _series(stored.column(column), dtype) for column, dtype in dtypes(table).items()})


def _stored(dtype: object) -> pyarrow.DataType:
    if dtype is object:
        return pyarrow.string()
    return pyarrow.Schema.from_pandas(pd.DataFrame({"x": pd.Series(dtype=dtype)})).field("x").type


def _series(stored: pyarrow.ChunkedArray, dtype: object) -> pd.Series:
    extension = isinstance(dtype, pd.api.extensions.ExtensionDtype) and not isinstance(dtype, pd.DatetimeTZDtype)
    return stored.to_pandas(types_mapper=(lambda _: dtype) if extension else None)
