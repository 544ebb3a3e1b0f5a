"""Whether a frame keeps its table's schema, without the rules that it breaks: quick, for the frames that do.

Pandera takes most of its time for what it would report. Here its own checks are asked, and the rest is looked at whole.
"""

import pandas as pd
from pandera.api.pandas.components import Column
from pandera.pandas import DataFrameModel

from matchday.tables.arrow import dtypes

FAILURES = (TypeError, ValueError, ArithmeticError, AttributeError, LookupError)
"""What a check may raise over values that it was not made for."""


def keeps_schema(table: type[DataFrameModel], rows: pd.DataFrame) -> bool:
    """True when a frame keeps the schema. False: it does not, or only pandera can tell."""
    schema = table.to_schema()
    if sorted(map(str, rows.columns)) != sorted(schema.columns):
        return False
    try:
        return (
            all(_fits(rows[name], column, dtypes(table)[name]) for name, column in schema.columns.items())
            and not (schema.unique and rows.duplicated(schema.unique).any())
            and all(check(rows).check_passed for check in schema.checks)
        )
    except FAILURES:
        return False


def _fits(values: pd.Series, column: Column, dtype: object) -> bool:
    """Whether the values of a column have its dtype, are there, and pass its checks."""
    if values.dtype != dtype or (dtype is object and pd.api.types.infer_dtype(values) not in ("string", "empty")):
        return False
    if (values.hasnans and not column.nullable) or (column.unique and values.duplicated().any()):
        return False
    return all(check(values).check_passed for check in column.checks)
